#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

fn turns(n: usize, words: usize) -> Vec<Message> {
    (0..n)
        .flat_map(|i| {
            let text = format!("word{i} ").repeat(words);
            [Role::User, Role::Assistant].map(|role| Message {
                role,
                content: text.clone(),
                kind: MessageKind::Text,
                speaker: None,
            })
        })
        .collect()
}

fn tokens(messages: &[Message], encoding: Encoding) -> usize {
    let sum: usize = messages.iter().map(|m| cost(m, encoding)).sum();
    sum + PRIMING
}

fn budget(context_tokens: usize) -> Budget {
    Budget { context_tokens, max_tokens: 100, encoding: Encoding::Cl100k }
}

#[test]
fn tokens_are_counted_as_openais_own_tokenizer_counts_them() {
    // The numbers are from another implementation of the same tables, GitHub's bpe-openai 0.3.2.
    for (text, cl100k, o200k) in [
        ("", 0, 0),
        ("hello world", 2, 2),
        ("日本語のテキストを数えます。絵文字も🍎。", 21, 18),
        ("fn main() { println!(\"{}\", 1 + 1); }\n\n\t  x", 15, 15),
    ] {
        assert_eq!(tokens::count(Encoding::Cl100k, text), cl100k, "{text}");
        assert_eq!(tokens::count(Encoding::O200k, text), o200k, "{text}");
    }
}

#[test]
fn a_text_that_wears_the_tokenizer_out_is_counted_all_the_same() {
    let spaces = " ".repeat(1_100_000) + "x";
    let letters = "あa".repeat(30_000);
    for text in [spaces, letters] {
        assert!(tokens::count(Encoding::O200k, &text) > 1_000);
        let alone = Prompt::fit("be kind", vec![], &[&text], budget(1_000));
        assert!(alone.is_err());
    }
}

#[test]
fn a_short_conversation_is_sent_whole() {
    let past = turns(3, 2);
    let prompt = Prompt::fit("be kind", past.clone(), &["why?"], budget(8192)).unwrap();
    assert_eq!(prompt.messages()[0].role, Role::System);
    assert_eq!(prompt.messages()[1..7], past);
    assert_eq!(prompt.messages()[7].content, "why?");
}

#[test]
fn a_question_that_cannot_fit_alone_is_not_sent() {
    let question = "long ".repeat(1000);
    assert!(Prompt::fit("s", vec![], &[&question], budget(1000)).is_err());
    assert!(Prompt::fit("s", vec![], &["q"], budget(100)).is_err());
    assert!(Prompt::fit("s", vec![], &[&question], budget(2000)).is_ok());
    // The beginning of the answer has three tokens. Each message has four in addition to its words, and each of the two
    // words is one token.
    let least = 100 + 3 + 2 * 4 + 2;
    assert!(Prompt::fit("s", vec![], &["?"], budget(least)).is_ok());
    assert!(Prompt::fit("s", vec![], &["?"], budget(least - 1)).is_err());
    let mut past = turns(5, 1);
    for message in &mut past {
        "a".clone_into(&mut message.content);
    }
    let fits = |room| Prompt::fit("s", past.clone(), &["?"], budget(least + room)).unwrap().left_out() == 0;
    assert!(fits(10 * (4 + 1)) && !fits(10 * (4 + 1) - 1));
}

#[test]
fn a_system_message_leaves_a_quarter_of_the_room_or_two_thousand_tokens_to_the_conversation() {
    // A word is one token. Beside the words are three tokens, four of each message, and the question mark.
    let beside = 3 + 2 * 4 + 1;
    for (context_tokens, words) in [(140, 30 - beside), (1_100, 750 - beside), (10_100, 8_000 - beside)] {
        let system = |words: usize| vec!["word"; words].join(" ");
        assert!(budget(context_tokens).has_room_beside(&system(words)), "{context_tokens}");
        assert!(!budget(context_tokens).has_room_beside(&system(words + 1)), "{context_tokens}");
    }
}

#[test]
fn what_was_said_in_one_go_is_kept_or_left_out_as_a_whole() {
    let mut past = turns(2, 40);
    past.insert(2, past[2].clone());
    let kept = |context_tokens| {
        let prompt = Prompt::fit("s", past.clone(), &["one", "two"], budget(context_tokens)).unwrap();
        let contents: Vec<_> = prompt.messages().iter().map(|message| message.content.as_str()).collect();
        assert_eq!(contents[contents.len() - 2..], ["one", "two"]);
        contents.len() - 3
    };
    let whole = tokens(&past[2..], Encoding::Cl100k) + 100 + 3 * (PER_MESSAGE + 1);
    assert_eq!((kept(whole), kept(whole - 1), kept(100_000)), (3, 0, 5));
    let mut prompt = Prompt::fit("s", past, &["one", "two"], budget(100_000)).unwrap();
    let left = |prompt: &Prompt| prompt.messages().len() - 3;
    assert!(prompt.drop_oldest() && left(&prompt) == 3 && prompt.drop_oldest() && left(&prompt) == 0);
    assert!(!prompt.drop_oldest());
}

#[test]
fn the_oldest_half_goes_first_until_only_the_question_is_left() {
    let mut prompt = Prompt::fit("s", turns(5, 1), &["q"], budget(8192)).unwrap();
    let mut left = vec![];
    while prompt.drop_oldest() {
        left.push((prompt.messages().len() - 2, prompt.left_out()));
        assert_eq!(prompt.messages()[0].role, Role::System);
        assert_eq!(prompt.messages().last().unwrap().content, "q");
    }
    assert_eq!(left, [(4, 6), (2, 8), (0, 10)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_turn_is_left_out_without_need_and_the_context_is_never_exceeded(
        past in prop::collection::vec((any::<bool>(), "[a-zあ-ん🍎 ]{0,60}"), 0..30),
        question in "[a-zあ-ん ]{0,40}",
        context_tokens in 110usize..600,
    ) {
        let past: Vec<Message> = past.into_iter().map(|(user, content)| Message {
            role: if user { Role::User } else { Role::Assistant }, content,
                kind: MessageKind::Text, speaker: None,
        }).collect();
        let budget = budget(context_tokens);
        let room = context_tokens - budget.max_tokens;
        match Prompt::fit("be kind", past.clone(), &[&question], budget) {
            Err(TooLong { tokens: over }) => {
                let alone = [Message { role: Role::System, content: "be kind".into(), kind: MessageKind::Text, speaker: None }, Message { role: Role::User, content: question, kind: MessageKind::Text, speaker: None }];
                prop_assert_eq!(tokens(&alone, budget.encoding), room + over);
            }
            Ok(prompt) => {
                let sent = prompt.messages();
                prop_assert!(tokens(sent, budget.encoding) <= room);
                let kept = sent.len() - 2;
                prop_assert_eq!(&sent[1..=kept], &past[past.len() - kept..]);
                // With the turns that were left out last, the prompt would not have fitted.
                let left_out = past.len() - kept;
                prop_assert_eq!(prompt.left_out(), left_out);
                let mut before = 0;
                while a_third_on(&past, before) < left_out {
                    before = a_third_on(&past, before);
                }
                if left_out > 0 {
                    let mut more = sent.to_vec();
                    more.splice(1..1, past[before..left_out].iter().cloned());
                    prop_assert!(tokens(&more, budget.encoding) > room);
                }
            }
        }
    }
}
