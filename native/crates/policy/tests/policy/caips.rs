//! One spelling for each chain, account and asset.

use policy::caip::{AccountId, AssetId, ChainId};

const SOLANA: &str = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
const BITCOIN: &str = "bip122:000000000019d6689c085ae165831e93";
const CHECKSUMMED: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

fn account(text: &str) -> Option<String> {
    AccountId::parse(text).ok().map(|it| it.to_string())
}

fn asset(text: &str) -> Option<String> {
    AssetId::parse(text).ok().map(|it| it.to_string())
}

#[test]
fn an_evm_address_in_one_case_or_with_its_checksum_gets_one_spelling() {
    let expected = format!("eip155:1:{CHECKSUMMED}");
    for address in [
        CHECKSUMMED.to_owned(),
        CHECKSUMMED.to_lowercase(),
        format!("0x{}", CHECKSUMMED[2..].to_uppercase()),
    ] {
        assert_eq!(account(&format!("eip155:1:{address}")), Some(expected.clone()));
    }
}

#[test]
fn an_evm_address_with_a_wrong_checksum_length_or_digit_is_refused() {
    let mixed = CHECKSUMMED.replace("5aA", "5aa");
    for address in [
        &mixed,
        &CHECKSUMMED[..41],
        &format!("{CHECKSUMMED}0"),
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0xgaaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "",
    ] {
        assert_eq!(account(&format!("eip155:1:{address}")), None, "{address}");
    }
}

#[test]
fn base58_and_bech32_keep_their_case_and_are_refused_in_another() {
    for (chain, address) in [
        (SOLANA, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
        (BITCOIN, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (BITCOIN, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ] {
        let text = format!("{chain}:{address}");
        assert_eq!(account(&text), Some(text.clone()));
        let changed = if address.starts_with("bc1") {
            address.to_uppercase()
        } else {
            address.to_lowercase()
        };
        assert_eq!(account(&format!("{chain}:{changed}")), None, "{changed}");
    }
}

#[test]
fn addresses_of_another_chain_and_with_a_wrong_checksum_are_refused() {
    for text in [
        format!("{SOLANA}:{CHECKSUMMED}"),
        "eip155:1:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v".to_owned(),
        format!("{BITCOIN}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
        format!("{BITCOIN}:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3"),
        format!("{BITCOIN}:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
        format!("{SOLANA}:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyT"),
    ] {
        assert_eq!(account(&text), None, "{text}");
    }
}

#[test]
fn chains_have_one_spelling() {
    for text in ["eip155:1", "eip155:18446744073709551615", SOLANA, BITCOIN] {
        assert_eq!(ChainId::parse(text).map(|it| it.to_string()), Ok(text.to_owned()));
    }
    for text in [
        "eip155:0",
        "eip155:01",
        "eip155:+1",
        "eip155:18446744073709551616",
        "eip155:",
        "eip155",
        "cosmos:hub",
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvd",
        "solana:0eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        "bip122:000000000019D6689C085AE165831E93",
        "bip122:000000000019d6689c085ae165831e9",
    ] {
        assert!(ChainId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn assets_are_of_kinds_that_their_chain_has() {
    let lower = CHECKSUMMED.to_lowercase();
    for (text, expected) in [
        ("eip155:1/slip44:60".to_owned(), "eip155:1/slip44:60".to_owned()),
        (format!("eip155:1/erc20:{lower}"), format!("eip155:1/erc20:{CHECKSUMMED}")),
        (format!("eip155:1/erc721:{lower}"), format!("eip155:1/erc721:{CHECKSUMMED}")),
        (format!("eip155:1/erc721:{lower}/0"), format!("eip155:1/erc721:{CHECKSUMMED}/0")),
        (format!("eip155:1/erc1155:{lower}/17"), format!("eip155:1/erc1155:{CHECKSUMMED}/17")),
        (format!("{SOLANA}/slip44:501"), format!("{SOLANA}/slip44:501")),
        (format!("{BITCOIN}/slip44:0"), format!("{BITCOIN}/slip44:0")),
    ] {
        assert_eq!(asset(&text), Some(expected));
    }
    for text in [
        "eip155:1/slip44:1".to_owned(),
        format!("{SOLANA}/slip44:60"),
        format!("{BITCOIN}/slip44:60"),
        format!("{SOLANA}/erc20:{lower}"),
        format!("eip155:1/erc20:{lower}/7"),
        format!("eip155:1/erc721:{lower}/07"),
        format!("eip155:1/erc721:{lower}/x"),
        format!("eip155:1/erc721:{lower}/{}", "1".repeat(79)),
        format!("eip155:1/token:{lower}"),
        format!("{SOLANA}/token:{lower}"),
        "eip155:1".to_owned(),
    ] {
        assert_eq!(asset(&text), None, "{text}");
    }
}

#[test]
fn longer_text_than_256_bytes_is_refused_before_it_is_read() {
    let padded = |length: usize| format!("eip155:1:{}", "0".repeat(length - 9));
    let error = |length| AccountId::parse(&padded(length)).unwrap_err().to_string();

    assert_eq!(error(256), "not an EVM address: 0x and 40 hexadecimal digits");
    assert_eq!(error(257), "longer than 256 bytes");
}
