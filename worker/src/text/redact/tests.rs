#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const LONG_KEY: &str = "sk-proj-Ab3dEfGh1jKlMn0pQrStUvWxYz-A1b2C3d4E5f6G7h8I9j0_KxLyMzNa";
const HEX_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const TOKEN: &str = "AbC+dEfG/hIjKlMn0pQrStUv+WxYz1234/567890abcdefghijklmnopqrstuvwx+yzABCDEFGHIJ=";

fn redact(text: &str, secret: &str) -> String {
    redacted(text, &secret.to_owned().into()).into_owned()
}

fn without(text: &str, at: usize) -> String {
    text[..at].to_owned() + &text[at + 1..]
}

#[test]
fn a_secret_is_found_whole_and_nearly_whole() {
    for key in [LONG_KEY, HEX_KEY, TOKEN, "an-api-key", "an-access-token"] {
        let cut = key.len() / 5;
        for told in [
            key.to_owned(),
            key.to_uppercase(),
            key[..key.len() - cut].to_owned(),
            key[cut..].to_owned(),
            without(key, 2),
            without(key, key.len() / 2),
            key.replacen(&key[5..6], "~", 1),
        ] {
            let text = format!("Ключ 「{told}」は、wrong");
            let clear = redact(&text, key);
            let (before, after) = clear.split_once(REDACTED).unwrap();
            // A piece at an edge that is shorter than the shortest piece stays, because it reveals nothing.
            assert!(before.starts_with("Ключ 「") && after.ends_with("」は、wrong"), "{clear}");
            assert!(clear.len() <= text.len() - told.len() + REDACTED.len() + PIECE[1], "{clear}");
            assert_eq!(identifier(&told, &key.to_owned().into()), "?", "{told}");
        }
    }
}

#[test]
fn a_secret_is_found_in_other_forms() {
    let mut broken = LONG_KEY.to_owned();
    broken.insert(20, '\n');
    broken.insert(41, '\u{200b}');
    assert_eq!(redact(&broken, LONG_KEY), REDACTED);
    let encoded = TOKEN.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert_eq!(redact(&format!("?token={encoded}&x"), TOKEN), format!("?token=AbC%2BdEfG%2F{REDACTED}%3D&x"));
    assert_eq!(redact(&LONG_KEY[20..32], LONG_KEY), REDACTED);
    // One piece alone is not enough. Further apart, the pieces do not belong to one secret.
    let apart = |gap: &str| format!("{}{gap}{}", &LONG_KEY[10..19], &LONG_KEY[30..39]);
    assert_eq!(redact(&apart("-------%"), LONG_KEY), REDACTED);
    assert_eq!(redact(&apart("--------%"), LONG_KEY), apart("--------%"));
    let twice = format!("{LONG_KEY}, and once more: {LONG_KEY}");
    assert_eq!(redact(&twice, LONG_KEY), format!("{REDACTED}, and once more: {REDACTED}"));
}

#[test]
fn what_says_little_of_a_secret_stays_as_it_is() {
    for (text, key) in [
        ("Keys begin with sk-proj- and look like sk-proj-xxxxxxxxxxxx.", LONG_KEY),
        ("Incorrect API key provided: sk-proj-****yMzNa.", LONG_KEY),
        ("abcdef 0123456789 xyz", LONG_KEY),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", HEX_KEY),
        ("ask ollama, or none", "ollama"),
        ("lm-studio", "lm-studio"),
        ("Keys begin with sk-proj-, e.g. sk-proj-, and again sk-proj-.", LONG_KEY),
        ("secret, secret, secret", "my-secret-key-1"),
        ("my api key is an apple", "an-api-key"),
        ("anything", ""),
        // No request can be sent with such a key.
        ("ключ-ключ-ключ", "ключ-ключ-ключ"),
        ("", LONG_KEY),
    ] {
        assert_eq!(redact(text, key), text, "{key}");
    }
    assert_eq!(identifier("is-ollama", &"ollama".to_owned().into()), "?", "an identifier may be no word");
    assert_eq!(identifier("invalid_api_key", &LONG_KEY.to_owned().into()), "invalid_api_key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_random_secret_never_shows_in_any_text(
        key in "[A-Za-z0-9_-]{10,180}", before in "\\PC{0,40}", after in "\\PC{0,40}", part in 0..=25_usize,
    ) {
        let told = &key[key.len() * part / 100..];
        let clear = redact(&format!("{before}{told}{after}"), &key);
        prop_assert!(clear.contains(REDACTED), "{}", clear);
        prop_assert!(!key.as_bytes().windows(ENOUGH).any(|it| clear.contains(std::str::from_utf8(it).unwrap_or("?"))));
    }

    #[test]
    fn a_text_of_other_words_stays_as_it_is(key in "[A-Za-z0-9_-]{20,180}", text in "\\PC{0,400}") {
        prop_assert_eq!(redact(&text, &key), text);
    }
}
