//! Access lists: their shape and their size.

use intent::Refusal;
use intent::evm::{MAX_ACCESS_LIST_ENTRIES, MAX_STORAGE_KEYS};

use super::{accepted, each, refused};
use crate::encoder::{Item, list, text};
use crate::payloads::read;

fn entry(storage_keys: usize) -> Item {
    list([text([0xaa; 20]), list(vec![text([0xbb; 32]); storage_keys])])
}

#[test]
fn an_access_list_is_a_list() {
    for (draft, field) in each(&["accessList"]) {
        for string in [text([]), text([1]), text([0xaa; 20])] {
            let draft = draft.clone().with(field, string);
            let offset = draft.offset(field);
            refused(&draft, Refusal::ListExpected { field, offset });
        }
        accepted(&draft.with(field, list([])));
    }
}

#[test]
fn an_entry_is_an_address_and_a_list_of_keys() {
    for (draft, field) in each(&["accessList"]) {
        let with = |item| draft.clone().with(field, list([item]));
        // `into` bytes after the header of the access list, which starts with the entry.
        let refused_at = |item, into, refusal: fn(usize) -> Refusal| {
            let draft = with(item);
            refused(&draft, refusal(draft.offset(field) + 1 + into));
        };
        let address = || text([0xaa; 20]);
        refused_at(address(), 0, |offset| Refusal::ListExpected {
            field: "accessList entry",
            offset,
        });
        refused_at(list([list([]), list([])]), 1, |offset| Refusal::StringExpected {
            field: "accessList address",
            offset,
        });
        refused_at(list([address(), text([])]), 22, |offset| Refusal::ListExpected {
            field: "accessList storageKeys",
            offset,
        });
        refused_at(list([address(), list([list([])])]), 23, |offset| Refusal::StringExpected {
            field: "accessList storageKey",
            offset,
        });
        refused_at(list([]), 1, |offset| Refusal::Truncated { offset });
        refused_at(list([address()]), 22, |offset| Refusal::Truncated { offset });
        accepted(&with(entry(0)));
        accepted(&with(entry(1)));
    }
}

/// The decoder does not look there: the rebuilt transaction lacks the items.
#[test]
fn nothing_may_follow_the_keys_of_an_entry() {
    for (draft, field) in each(&["accessList"]) {
        for surplus in [text([]), text([1]), list([]), list([entry(1)])] {
            let with_surplus = list([text([0xaa; 20]), list([]), surplus]);
            refused(&draft.clone().with(field, list([with_surplus])), Refusal::NotRebuilt);
        }
    }
}

#[test]
fn an_address_has_20_bytes_and_a_key_32() {
    for (draft, field) in each(&["accessList"]) {
        let with = |address, key| {
            let entry = list([text(vec![0xaa; address]), list([text(vec![0xbb; key])])]);
            draft.clone().with(field, list([entry]))
        };
        accepted(&with(20, 32));
        for length in [0, 19, 21, 32] {
            let code = read(&with(length, 32).bytes()).unwrap_err().code();
            assert_eq!(code, "length-invalid", "an address of {length} bytes");
        }
        for length in [0, 20, 31, 33] {
            let code = read(&with(20, length).bytes()).unwrap_err().code();
            assert_eq!(code, "length-invalid", "a key of {length} bytes");
        }
    }
}

#[test]
fn an_access_list_has_a_bounded_number_of_entries() {
    for (draft, field) in each(&["accessList"]) {
        let with = |entries| draft.clone().with(field, list(vec![entry(0); entries]));
        accepted(&with(MAX_ACCESS_LIST_ENTRIES - 1));
        accepted(&with(MAX_ACCESS_LIST_ENTRIES));
        let above = with(MAX_ACCESS_LIST_ENTRIES + 1);
        let offset = above.offset(field);
        refused(&above, Refusal::AccessListTooLong { offset });
    }
}

#[test]
fn an_access_list_has_a_bounded_number_of_keys_over_all_entries() {
    for (draft, field) in each(&["accessList"]) {
        for (first, second) in [(MAX_STORAGE_KEYS, 0), (1, MAX_STORAGE_KEYS - 1), (512, 512)] {
            let with = |entries: [usize; 2]| draft.clone().with(field, list(entries.map(entry)));
            accepted(&with([first - 1, second]));
            accepted(&with([first, second]));
            let above = with([first, second + 1]);
            let offset = above.offset(field);
            refused(&above, Refusal::AccessListTooLong { offset });
        }
    }
}
