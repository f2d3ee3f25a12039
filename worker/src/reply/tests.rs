#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn check(text: &str, sizes: &[usize]) {
    let pieces = split(text);
    assert_eq!(pieces.concat(), text);
    assert_eq!(pieces.iter().map(|p| units(p)).collect::<Vec<_>>(), sizes);
}

#[test]
fn what_fits_is_one_message() {
    check("hello", &[5]);
    check(&"\u{3042}".repeat(5_000), &[5_000]);
    check(&"\u{1f34e}".repeat(2_500), &[5_000]);
}

#[test]
fn a_long_text_is_cut_at_a_paragraph_then_a_sentence_then_a_grapheme() {
    let a = |n| "a".repeat(n);
    check(&format!("{}.\n\n{}. {}", a(3_000), a(1_000), a(3_000)), &[3_003, 4_002]);
    check(&format!("{}。{}", "\u{3042}".repeat(4_000), "\u{3044}".repeat(3_000)), &[4_001, 3_000]);
    check(&format!("{}. {}", a(4_998), a(10)), &[5_000, 10]);
    check(&a(10_001), &[5_000, 5_000, 1]);
    // A paragraph that ends in the first half would leave a small bubble.
    check(&format!("{}\n\n{}", a(10), a(5_000)), &[5_000, 12]);
}

#[test]
fn no_grapheme_is_broken_unless_it_is_longer_than_a_message() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let pieces: Vec<_> = split(&family.repeat(1_000)).into_iter().map(str::to_owned).collect();
    assert!(pieces.iter().all(|p| p.len() % family.len() == 0));
    check(&format!("e{}", "\u{301}".repeat(7_000)), &[5_000, 2_001]);
}

#[test]
fn five_messages_a_push_and_white_space_is_never_a_message() {
    let to = "U1".to_owned().try_into().unwrap();
    assert_eq!(pushes(&to, "hi"), [r#"{"to":"U1","messages":[{"type":"text","text":"hi"}]}"#]);
    assert_eq!(pushes(&to, &"a".repeat(25_000)).len(), 1);
    assert_eq!(pushes(&to, &"a".repeat(25_001)).len(), 2);
    let gap = format!("a{}b", "\n".repeat(20_000));
    assert!(split(&gap).iter().all(|p| !p.trim().is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rejoined_text_equals_the_answer(text in "([a-z]{0,9}|[あ-ん。]{1,9}|🍎|👨‍👩‍👧|e\u{301}|\\. |\n\n|\n){0,2500}") {
        let pieces = split(&text);
        prop_assert!(pieces.iter().all(|p| units(p) <= TEXT_MAX && !p.is_empty()));
        if !text.trim().is_empty() {
            prop_assert_eq!(pieces.concat(), &text[..]);
        }
        // No boundary lies within a grapheme of the whole.
        let bounds: std::collections::HashSet<usize> = text.grapheme_indices(true).map(|(i, _)| i).collect();
        let mut at = 0;
        for piece in &pieces {
            prop_assert!(bounds.contains(&at));
            at += piece.len();
        }
    }
}
