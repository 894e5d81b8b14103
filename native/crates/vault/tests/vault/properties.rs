//! What holds for any record.

use proptest::prelude::*;
use vault::{Backup, RecordName, VaultHeader, open, rewrap, seal};
use zeroize::Zeroizing;

use crate::scene::{kek, rng, wrapped_vault};

prop_compose! {
    fn name()(
        kind in ".{0,20}",
        wallet_id: [u8; 32],
        key_id in ".{0,60}",
        suite in "[a-z0-9-]{0,30}",
        index: u8,
        required: u8,
        total: u8,
        epoch: u64,
        group_public_key in prop::collection::vec(any::<u8>(), 0..65),
    ) -> RecordName {
        RecordName { kind, wallet_id, key_id, suite, index, required, total, group_public_key, epoch }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_record_comes_back_before_and_after_rewrapping(
        name in name(),
        other in name(),
        plaintext: Vec<u8>,
        seed: u64,
    ) {
        let (from, to, mut rng) = (kek(1), kek(2), rng(seed));
        let sealed = seal(&from, &name, &plaintext, &mut rng).unwrap();
        let rewrapped = rewrap(&sealed, &name, &from, &to, &mut rng).unwrap();

        prop_assert_eq!(&*open(&from, &name, &sealed).unwrap(), &plaintext);
        prop_assert_eq!(&*open(&to, &name, &rewrapped).unwrap(), &plaintext);
        prop_assert_eq!(open(&to, &other, &rewrapped).is_ok(), name == other);
    }

    #[test]
    fn any_backup_comes_back(
        export_ms: u64,
        records in prop::collection::btree_map(name(), any::<Vec<u8>>(), 0..6),
        seed: u64,
    ) {
        let (header, kek) = wrapped_vault();
        let records = records.into_iter().map(|(name, bytes)| (name, Zeroizing::new(bytes)));
        let backup = Backup { export_ms, records: records.collect() };

        let read = Backup::read(&backup.write(&header, &kek, &mut rng(seed)).unwrap(), &kek);

        let read = read.unwrap();
        prop_assert_eq!(read.export_ms, export_ms);
        prop_assert!(read.records == backup.records);
    }

    #[test]
    fn any_bytes_are_refused_or_read_as_themselves(bytes: Vec<u8>, cut in 0_usize..120) {
        let known = wrapped_vault().0.encode().unwrap();
        let near = [&known[..cut.min(known.len())], &bytes].concat();
        for bytes in [&bytes, &near] {
            if let Ok(header) = VaultHeader::decode(bytes) {
                prop_assert_eq!(&header.encode().unwrap(), bytes);
            }
        }
    }
}
