//! Tests of the loose forms: how people write the commands, and the sentences that only contain a word of one.

use super::{SOUNDS, find, without_marks};
use crate::{
    command::{
        Command, WITH_LOOSE_FORMS,
        words::{ALL, Words},
    },
    prefix::folded,
};

/// Asserts that the check of its edges changes nothing for a message.
fn is_as_without_check(text: &str) {
    assert_eq!(Command::loose(text), find(text, |_| true, Command::of_core), "{text}");
}

/// Asserts that each of these messages is understood as this command.
fn are(command: &Command, texts: &[&str]) {
    let others = texts.iter().filter(|text| Command::said(text).as_ref() != Some(command));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&&str>::new(), "{command:?}");
    for text in texts {
        is_as_without_check(text);
    }
}

#[test]
fn a_loose_forget_asks_before_it_deletes() {
    are(
        &Command::AskForget,
        &[
            // Japanese.
            "忘れてください",
            "忘れて下さいね。",
            "忘れてくださ〜い",
            "忘れて〜",
            "忘れてー",
            "忘れて～～～！！",
            "忘れてぇ",
            "忘れてっ！",
            "忘れて…？",
            "忘れて？",
            "忘れて🙏",
            "忘れて🙇‍♀️🙇‍♀️",
            "忘れて\u{2764}\u{fe0f}",
            "忘れてｗｗｗ",
            "忘れて(笑)",
            "忘れてm(_ _)m",
            "「忘れて」",
            "忘れてね",
            "忘れてよー",
            "忘れてほしいです",
            "忘れてくれませんか？",
            "忘れて、お願い！",
            "お願いだから忘れて",
            "ねえ、忘れて",
            "ぜんぶ忘れて！！",
            "全部忘れて",
            "すべて忘れてください。",
            "今までのこと、全部忘れて",
            "これまでの会話を忘れてください",
            "会話は全部忘れてね🙏",
            "もう全部忘れて",
            "わすれてください",
            "リセットして",
            "会話をリセットしてください",
            "会話履歴を消して",
            "全部消してください",
            "履歴を削除してください",
            // English.
            "please forget",
            "Please forget!",
            "forget please 🙏",
            "forget everything",
            "Forget everything, please.",
            "forget it all!",
            "FORGET ALL",
            "forgettt",
            "pleeease forget",
            "can you forget everything?",
            "could you please forget our conversation?",
            "forget everything we talked about",
            "just forget all of it",
            "delete everything",
            "please delete our chat",
            "clear the conversation",
            "reset please",
            // Traditional Chinese.
            "請忘記",
            "請你忘記～",
            "忘記吧",
            "忘掉吧！",
            "全部忘記",
            "忘記全部",
            "請忘記所有對話",
            "請忘記我們的對話🙏",
            "忘記一切吧",
            "麻煩幫我忘記",
            "清除對話紀錄",
            "請刪除對話",
            // Korean.
            "잊어 줘",
            "잊어줘~~",
            "잊어주세요",
            "잊어 주세요 ㅠㅠ",
            "제발 잊어줘",
            "다 잊어줘!!",
            "전부 잊어 주세요",
            "모두 잊어줘ㅋㅋ",
            "지금까지 대화 다 잊어줘",
            "잊어줄래?",
            "초기화해줘",
            "대화 지워줘",
            "대화 내용 삭제해 주세요",
            // Thai.
            "ลืมหน่อย",
            "ช่วยลืมหน่อยครับ",
            "กรุณาลืม",
            "ลืมทั้งหมด",
            "ลืมทั้งหมดเลยนะคะ",
            "ลืมทุกอย่าง",
            "ลืมให้หมด",
            "ลืมมมม",
            "ลืมเรื่องที่คุยกัน",
            "ลบแชทให้หน่อย",
            "รีเซ็ตหน่อย",
        ],
    );
}

#[test]
fn a_loose_retry_acts() {
    are(
        &Command::Retry,
        &[
            "もう一回",
            "もう１回！",
            "もういっかい",
            "もーいっかい",
            "もっかい",
            "もう一度お願いします",
            "もう一度、お願いします🙏",
            "もう一度おねがいしまーす",
            "もう一回だけ！",
            "もう一度答えて",
            "もう一回やってください",
            "もう一度！？",
            "やり直して",
            "やり直してください",
            "リトライして",
            "try again",
            "Please try again.",
            "try again please!!",
            "one more time",
            "one more tiiime",
            "One more time, please 🙏",
            "can you try again?",
            "再來一次",
            "再試一次吧",
            "請再試一次",
            "請重新回答",
            "重試一下",
            "다시 한번",
            "다시 한 번 부탁해요",
            "한 번 더!",
            "다시 해줘",
            "다시 대답해 주세요",
            "다시 시도해줘",
            "ลองใหม่อีกครั้ง",
            "ลองใหม่นะครับ",
            "ขออีกครั้ง",
            "อีกครั้ง",
            "ลองอีกทีได้ไหม",
        ],
    );
}

#[test]
fn a_loose_continue_acts() {
    are(
        &Command::Continue,
        &[
            "続きは？",
            "続きは?",
            "続きを",
            "続きをお願い",
            "そのまま続けて",
            "続きをお願いします",
            "続きお願い〜",
            "続きを教えて",
            "続きを書いてください",
            "続きが読みたい",
            "続けてください",
            "続けて〜",
            "続けてね！",
            "つづけて！！",
            "つづきは…？",
            "continue?",
            "please continue",
            "Continue please!",
            "go on",
            "Go on…",
            "please go on",
            "keep going",
            "Keep going!!! 🙏",
            "carry on",
            "could you continue?",
            "請繼續",
            "繼續吧",
            "繼續說",
            "請繼續說下去",
            "接著說",
            "後續呢？",
            "然後呢？",
            "계속해",
            "계속해줘",
            "계속해 주세요",
            "계속 말해줘",
            "계속 부탁해",
            "이어서 해줘",
            "ต่อเลย",
            "ต่อไป",
            "เล่าต่อหน่อย",
            "ต่อครับ",
            "ต่อออ",
            "พูดต่อได้ไหม",
        ],
    );
}

#[test]
fn a_loose_help_acts() {
    are(
        &Command::Help,
        &[
            "使い方は？",
            "使い方教えて",
            "使い方を教えてください",
            "使い方を教えて〜🙏",
            "使い方がわからない",
            "使いかた",
            "ヘルプ？",
            "ヘルプお願いします",
            "help?",
            "help 🙏",
            "how do I use this?",
            "How do I use this",
            "how to use",
            "how do I use you?",
            "commands",
            "怎麼用？",
            "請問怎麼用",
            "教我怎麼用",
            "如何使用",
            "使用方法？",
            "사용법",
            "사용법은?",
            "사용법 알려줘",
            "사용 방법 좀 알려 주세요",
            "어떻게 써요?",
            "이거 어떻게 사용해?",
            "도움말 보여줘",
            "วิธีใช้คืออะไร",
            "ขอวิธีใช้หน่อย",
            "ใช้ยังไง",
            "ใช้ยังไงครับ?",
            "สอนวิธีใช้หน่อย",
            "บอกคำสั่งหน่อย",
        ],
    );
}

#[test]
fn a_loose_privacy_and_persona_act() {
    are(
        &Command::Privacy,
        &[
            "プライバシー？",
            "プライバシー〜",
            "プライバシーを教えて",
            "個人情報の取り扱いは？",
            "privacy?",
            "privacy please",
            "What do you store about me?",
            "請問隱私政策",
            "개인정보 보호",
            "개인정보 알려줘",
            "ขอนโยบายความเป็นส่วนตัวหน่อย",
        ],
    );
    are(
        &Command::Persona(None),
        &["キャラ？", "キャラを変えて", "persona please", "換個角色吧", "캐릭터 바꿔줘"],
    );
}

/// Sentences that contain a word of a command, or only what may be around one.
const QUESTIONS: &[&str] = &[
    "",
    "？！",
    "🙏",
    "お願いします",
    "please",
    "忘れてしまった",
    "忘れてしまったよ",
    "忘れてた",
    "忘れてたよ",
    "忘れてて",
    "忘れていた",
    "忘れてる",
    "全部忘れてた",
    "忘れてはいけない",
    "忘れてはいけないこと",
    "忘れてないよ",
    "忘れないで",
    "忘れないでください",
    "忘れてごめん",
    "忘れてもいい？",
    "忘れてよかった",
    "何か忘れている気がする",
    "昨日のことは忘れてください",
    "財布を忘れて困った",
    "宿題忘れて",
    "彼女を忘れて",
    "どうして忘れてしまうの？",
    "忘れて。それより天気は？",
    "履歴書を消してしまった",
    "電気を消して",
    "消して",
    "もう一度言って",
    "もう一度会いたい",
    "もう一度恋をして",
    "もう一回行きたい",
    "続けて走った",
    "続けて走る",
    "続けて休んでもいい？",
    "続けてもいいですか",
    "続きはまた明日",
    "続きが気になるアニメ",
    "使い方が変",
    "はしの使い方",
    "炊飯器の使い方を教えて",
    "これの使い方は？",
    "ヘルプデスクの電話番号は？",
    "キャラとは",
    "ペルソナとは何ですか",
    "個人情報とは何ですか",
    "プライバシーの侵害とは",
    "how do I forget her?",
    "I forget",
    "I forget everything",
    "I forgot",
    "forget it",
    "forget about it",
    "forget me not",
    "never forget",
    "don't forget",
    "don't forget everything",
    "forget all about her",
    "forget what I said",
    "what did I forget?",
    "delete",
    "delete this file",
    "clear",
    "reset my password",
    "please help",
    "help me",
    "help please",
    "please help me",
    "help me with maths",
    "try again later",
    "again",
    "once more",
    "again and again",
    "let me try again",
    "once more with feeling",
    "go on a trip",
    "should I go on?",
    "can I continue?",
    "continue reading",
    "keep going to the gym",
    "how do I use this camera?",
    "how does it work?",
    "what is privacy?",
    "privacy is important",
    "我忘記了",
    "忘記了",
    "忘記密碼",
    "忘記帶鑰匙",
    "不要忘記",
    "別忘記",
    "請不要忘記我",
    "忘記她很難",
    "請說明",
    "說明一下",
    "請幫助",
    "繼續下雨",
    "再說一次",
    "再試一次還是不行",
    "怎麼用筷子",
    "잊어버렸어",
    "잊어줘서 고마워",
    "잊지 마",
    "잊지 말아줘",
    "잊을 수 없어",
    "비밀번호를 잊어버렸어요",
    "다시는",
    "다시 말해줘",
    "다시 만나고 싶어",
    "다시 가고 싶어",
    "계속 비가 와",
    "계속해서",
    "젓가락 사용법",
    "개인정보가 유출됐어",
    "ลืมแล้ว",
    "ลืมไปแล้ว",
    "ฉันลืม",
    "อย่าลืมนะ",
    "ลืมกุญแจ",
    "ลืมไม่ลง",
    "ต่อราคา",
    "ไว้ลองใหม่พรุ่งนี้",
    "ช่วยเหลือด้วย",
    "ช่วยด้วย",
    "วิธีใช้ตะเกียบ",
    "คำสั่งซื้อ",
];

#[test]
fn a_sentence_that_contains_a_word_is_a_question() {
    let commands = QUESTIONS.iter().filter(|text| Command::said(text).is_some());
    assert_eq!(commands.collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_message_of_any_form_is_read_in_a_bounded_time() {
    for text in ["ね".repeat(40), "お願い".repeat(13), "w ".repeat(60), "(".repeat(120), "ー".repeat(40)]
    {
        assert_eq!(Command::said(&text), None, "{text}");
    }
    assert_eq!(Command::said(&format!("忘れて{}", "お願いします".repeat(10))), None, "too long to look at");
}

/// Returns all words of commands that have loose forms, and the words that may be around them.
fn words() -> (Vec<&'static str>, Vec<&'static str>) {
    let (loose, around) = ALL.split_at(ALL.len() - 2);
    let loose = loose.iter().flat_map(|words| words.each());
    let exact = WITH_LOOSE_FORMS.concat();
    (exact.into_iter().chain(loose).collect(), around.iter().flat_map(|words| words.each()).collect())
}

#[test]
fn the_check_of_the_edges_never_changes_what_a_message_is() {
    for text in QUESTIONS {
        is_as_without_check(text);
    }
    let (words, around) = words();
    for (nth, word) in words.into_iter().enumerate() {
        let (one, other) = (around[nth % around.len()], around[(7 * nth + 3) % around.len()]);
        for form in [
            word.to_owned(),
            format!("{one} {word}{other}"),
            format!("{one}{word} {other}"),
            format!("{word}、{one} {other}!!"),
            format!("{one}~{other} {word}ー"),
        ] {
            is_as_without_check(&form);
        }
    }
}

#[test]
fn each_word_passes_the_check_of_the_edges_with_each_word_and_sound_around_it() {
    let (words, around) = words();
    for word in words {
        assert!(Command::may_be_loose(word), "{word}");
        for sound in SOUNDS {
            assert!(Command::may_be_loose(&format!("{word}{sound}")), "{word}{sound}");
        }
        for around in &around {
            assert!(Command::may_be_loose(&format!("{around}{word}")), "{around}{word}");
            assert!(Command::may_be_loose(&format!("{word}{around}")), "{word}{around}");
        }
    }
}

#[test]
fn an_ordinary_sentence_is_compared_with_no_word() {
    let sentences = [
        "Hello, world. How are you today?",
        "きょうは良い天気ですね。散歩に行きましょうか。",
        "明日は雨が降るでしょうか",
        "一顆雞蛋有多少熱量",
        "오늘 날씨 어때",
        "วันนี้อากาศเป็นอย่างไร",
    ];
    let compared = sentences.map(|text| without_marks(&folded(text)));
    assert_eq!(compared.map(|text| Command::may_be_loose(text.trim())), [false; 6]);
}

#[test]
fn every_word_is_as_it_is_compared() {
    for word in ALL.into_iter().flat_map(Words::each) {
        assert_eq!(folded(word).replace("\u{e4d}\u{e32}", "\u{e33}"), word);
        assert!(word.is_ascii() || !word.contains(' '), "{word}");
    }
}
