//! The words of loose forms: other words for each command, and the words that may be around them. Each is as it is
//! compared: folded, without marks, and with spaces between Latin words only. Pure.
//!
//! The languages follow each other as everywhere: Japanese, English, Chinese, Korean, Thai.

/// The words of a list. They are one text and not a list of texts, because each pointer of a list has to be set when a
/// program starts.
pub(super) struct Words {
    pub(super) text: &'static str,
    /// The length of each word in bytes.
    pub(super) lengths: &'static [usize],
}

impl Words {
    /// Returns the words in their order.
    pub(super) fn each(&self) -> impl Iterator<Item = &'static str> {
        let mut rest = self.text;
        self.lengths.iter().map(move |length| {
            let (word, others) = rest.split_at(*length);
            rest = others;
            word
        })
    }

    /// Whether this is one of the words.
    pub(super) fn has(&self, text: &str) -> bool {
        self.each().any(|word| word == text)
    }
}

macro_rules! words {
    ($($word:literal),+ $(,)?) => {
        Words { text: concat!($($word),+), lengths: &[$($word.len()),+] }
    };
}

/// All lists. The last two are of the words around the others.
pub(super) const ALL: [&Words; 9] =
    [&FORGET, &DELETE, &HELP, &PERSONA, &RETRY, &CONTINUE, &PRIVACY, &WHOLE, &AROUND];

/// Other words for *forget*.
pub(super) static FORGET: Words = words![
    "忘れろ", "忘れなさい", "わすれろ", "リセット", "忘れちゃって", "忘れちゃ",
    "忘掉", "忘了吧", "忘光", "忘记", "忘掉吧",
    "잊어", "잊어버려", "잊으세요", "리셋",
    "ลืมไปเถอะ",
];

/// The words that delete: they mean the conversation only with a word of [`WHOLE`].
pub(super) static DELETE: Words = words![
    "消", "消して", "けして", "消去", "消去して", "削除", "削除して", "クリア", "クリアして", "初期化",
    "初期化して",
    "delete", "erase", "clear", "wipe",
    "清除", "清空", "清掉", "刪除", "刪掉", "删除",
    "지워", "삭제", "삭제해", "지우기",
    "ลบ", "ล้าง",
];

/// Other words for *help*.
pub(super) static HELP: Words = words![
    "使いかた", "使用法", "コマンド", "コマンド一覧", "どう使う", "どう使えばいい", "どうやって使う",
    "どうやって使えばいい", "これどうやって使う", "どうやって使い", "使い方を説明して", "使い方説明して",
    "how to use", "how to use this", "how to use you", "how do i use this", "how do i use you",
    "how do i use this bot", "how to use this bot", "how can i use this", "how can i use you",
    "how do you use this", "how does this bot work", "usage", "commands", "command list",
    "list of commands", "what are the commands", "what commands are there", "show help", "show me the help",
    "tell me how to use this", "show me how to use this",
    "使用方法", "使用說明", "使用方式", "使用教學", "操作說明", "用法", "怎麼用", "怎麼使用", "如何使用",
    "要怎麼用", "該怎麼用", "這個怎麼用", "這怎麼用", "這要怎麼用", "这个怎么用", "怎么用", "使用说明",
    "指令", "指令列表", "有什麼指令", "有哪些指令", "該怎麼使用", "如何使用這個", "使用說明書",
    "사용법", "사용법은", "사용방법", "사용방법은", "사용설명서", "이용방법", "이용법", "쓰는법",
    "쓰는방법", "어떻게써", "어떻게쓰", "어떻게쓰는거", "어떻게사용", "어떻게사용하", "어떻게사용하는거",
    "이거어떻게써", "이거어떻게쓰", "이거어떻게사용", "이거어떻게사용하", "명령어", "명령어목록", "도움말",
    "사용법이", "어떻게쓰면돼", "어떻게사용하면돼",
    "วิธีใช้งาน", "วิธีการใช้", "วิธีการใช้งาน", "ใช้ยังไง", "ใช้อย่างไร", "ใช้ไง", "ใช้งานยังไง", "ใช้งานอย่างไร",
    "ต้องใช้ยังไง", "อันนี้ใช้ยังไง", "บอทใช้ยังไง", "คู่มือ", "คำสั่ง", "คำสั่งทั้งหมด", "มีคำสั่งอะไรบ้าง", "ใช้บอทยังไง",
];

/// Other words for *persona*.
pub(super) static PERSONA: Words = words![
    "キャラクター", "キャラ変更", "キャラ変えて", "キャラを変えて", "キャラチェンジ",
    "personas", "change persona", "change your persona", "switch persona",
    "換角色", "換個角色", "更換角色",
    "캐릭터변경", "캐릭터바꿔", "캐릭터바꾸기",
    "เปลี่ยนบุคลิก",
];

/// Other words for *retry*.
pub(super) static RETRY: Words = words![
    "もう一回", "もう1回", "もう1度", "もういっかい", "もっかい", "もいっかい", "もいちど", "もう一遍",
    "やり直", "やり直して", "やりなおして", "リトライ", "再試行", "再度", "再生成", "別の答え", "別の回答",
    "ほかの答え", "他の答え", "答え直", "答え直して", "もう一回いい", "もう一度いい",
    "one more time", "try again", "try it again", "try that again",
    "try once more", "try one more time", "answer again", "answer that again", "do it again",
    "do that again", "redo", "regenerate", "another answer", "give me another answer",
    "再試", "再一次", "再來一次", "再来一次", "再试一次", "再試試", "再試試看", "再答一次", "再回答一次",
    "再做一次", "重新回答", "重新來過", "重新生成", "重新產生", "重來", "重答", "重试", "換個答案",
    "重新回答一次",
    "다시한번", "다시한번더", "한번더", "한번만더", "다시시도", "재시도", "다시답", "다시대답", "다시답변",
    "다시해봐", "다시한번만",
    "ลองอีกครั้ง", "ลองอีกที", "ลองใหม่อีกครั้ง", "ลองใหม่อีกที", "อีกครั้ง", "อีกที", "อีกรอบ", "ตอบใหม่", "ตอบอีกครั้ง",
    "ทำใหม่", "เอาใหม่", "ใหม่อีกครั้ง", "อีกครั้งหนึ่ง",
];

/// Other words for *continue*.
pub(super) static CONTINUE: Words = words![
    "その続き", "この続き", "続き書いて", "続きを書いて", "続き話して", "続きを話して", "続き読ませて",
    "続きを読ませて", "続き聞かせて", "続きを聞かせて", "続き読みたい", "続きを読みたい", "続きが読みたい",
    "続行", "続行して", "そのまま続けて",
    "go on", "keep going", "keep on", "carry on", "keep writing", "continue writing",
    "continue your answer", "the rest", "show me the rest", "give me the rest",
    "繼續說", "繼續講", "繼續寫", "繼續下去", "繼續說下去", "接著", "接著說", "接著講", "接著寫", "接下去",
    "往下說", "說下去", "講下去", "寫下去", "後續", "後面", "下文", "剩下的", "继续", "继续说", "然後呢",
    "接下來呢",
    "계속말", "계속말씀", "계속써", "계속얘기", "계속이야기", "계속진행", "이어서", "이어서말", "이어서써",
    "이어서계속", "이어써", "마저말", "마저써", "나머지", "다음은", "그다음은",
    "ต่อไป", "เล่าต่อ", "พูดต่อ", "เขียนต่อ", "ตอบต่อ", "ทำต่อ", "ไปต่อ", "อ่านต่อ", "ที่เหลือ", "ต่อให้จบ", "ทำต่อไป",
    "ต่อได้เลย", "แล้วไงต่อ",
];

/// Other words for *privacy*.
pub(super) static PRIVACY: Words = words![
    "個人情報保護", "個人情報の扱い", "個人情報の取り扱い", "何を保存してる", "何を保存している",
    "何が保存される",
    "my privacy", "data privacy", "what do you store", "what do you store about me",
    "what data do you store", "what do you save about me", "about privacy", "the privacy policy",
    "show me the privacy policy",
    "隐私", "隐私政策", "個資", "個人資料保護",
    "개인정보보호", "개인정보정책", "개인정보는",
    "ข้อมูลส่วนตัว",
];

/// The words for the whole conversation, which may be beside a word that forgets or deletes.
pub(super) static WHOLE: Words = words![
    "全部", "ぜんぶ", "全て", "すべて", "何もかも", "なにもかも", "会話", "会話履歴", "会話の履歴",
    "会話の内容", "トーク", "トーク履歴", "チャット", "履歴", "記憶", "やりとり", "やり取り", "今まで",
    "いままで", "これまで", "今までの", "いままでの", "これまでの", "ここまでの", "今までのこと",
    "いままでのこと", "これまでのこと", "今までの話", "これまでの話", "この会話", "このトーク", "私との",
    "さっきまでの", "私たちの", "わたしたちの",
    "everything", "everything about me", "all", "it all", "all of it", "all of this", "all of that",
    "all this", "all that", "all about me", "about everything", "me", "this conversation", "this chat",
    "our conversation", "our conversations", "our chat", "our chats", "the conversation", "the chat",
    "the whole conversation", "the whole chat", "our whole conversation", "conversation", "chat",
    "chat history", "our chat history", "the chat history", "the history", "history", "your memory",
    "memory", "my data", "my messages", "our messages", "we talked about", "we discussed", "we said",
    "i said", "i told you", "you know", "what we talked about", "what we discussed", "so far",
    "所有", "所有的", "一切", "都", "通通", "統統", "對話", "對話紀錄", "對話記錄", "對話內容", "聊天",
    "聊天紀錄", "聊天記錄", "紀錄", "記錄", "內容", "我們的", "之前的", "以前的", "這段", "這些", "把",
    "之前", "全都", "之前說的", "聊過的", "說過的", "我們聊過的",
    "전부", "모두", "다", "싹", "모든", "모든걸", "모든것", "모든것을", "대화", "대화를", "대화내용",
    "대화내용을", "대화기록", "대화기록을", "채팅", "채팅을", "채팅기록", "기록", "기록을", "기억",
    "기억을", "내용", "내용을", "지금까지", "지금까지의", "지금까지한", "이전", "우리", "나눈",
    "지금까지한이야기", "이야기",
    "ทั้งหมด", "ทุกอย่าง", "ให้หมด", "ที่คุยกัน", "ที่คุยกันไว้", "เรื่องที่คุยกัน", "เรื่องที่คุยกันไว้", "บทสนทนา", "บทสนทนานี้",
    "การสนทนา", "แชท", "แชต", "แชทนี้", "ประวัติ", "ประวัติแชท", "ประวัติการแชท", "ประวัติการคุย", "สิ่งที่คุยกัน",
    "เรื่องทั้งหมด", "ไปให้หมด",
];

/// The polite words, particles, fillers and laughs that may be around any of the words above, before or behind.
pub(super) static AROUND: Words = words![
    "お願いします", "お願いいたします", "お願い致します", "お願いできますか", "お願いできる", "お願い",
    "お願いだから", "おねがいします", "おねがい", "おねがいだから", "ください", "下さい", "くださいませ",
    "くださいませんか", "くださいな", "くれ", "くれる", "くれない", "くれますか", "くれませんか",
    "くれないか", "もらえる", "もらえない", "もらえます", "もらえますか", "もらえませんか",
    "いただけますか", "いただけませんか", "頂けますか", "ほしい", "欲しい", "です", "ですか", "ますか",
    "なんですか", "何ですか", "ちょうだい", "頂戴", "ね", "よ", "よね", "の", "は", "を", "が", "も",
    "って", "ってば", "だけ", "どうか", "どうぞ", "頼む", "頼みます", "たのむ", "して", "やって", "答えて",
    "教えて", "おしえて", "見せて", "みせて", "出して", "表示して", "知りたい", "わからない", "分からない",
    "わかりません", "分かりません", "今すぐ", "すぐ", "すぐに", "早く", "はやく", "きれいに", "綺麗に",
    "もう", "ねえ", "じゃあ", "じゃ", "では", "それでは", "やっぱり", "やっぱ", "とりあえず", "ちょっと",
    "笑", "泣", "汗", "やってみて", "について",
    "w", "m", "mm", "5", "please", "pls", "plz", "kindly", "now", "just", "hey", "ok", "okay", "can you",
    "could you", "would you", "will you", "can we", "lets", "let s", "i want you to", "i would like you to",
    "for me", "thanks", "thank you", "thx", "ty", "lol", "haha", "right now", "to me", "can u", "could u",
    "請", "请", "請你", "請您", "麻煩", "麻煩你", "麻煩您", "拜託", "拜託你", "幫我", "可以", "可以請你",
    "能不能", "可不可以", "好嗎", "可以嗎", "嗎", "吧", "喔", "哦", "唷", "啊", "呀", "呢", "謝謝", "一下",
    "現在", "馬上", "立刻", "快", "請問", "教我", "告訴我", "給我看", "哈", "關於",
    "제발", "부탁", "부탁해", "부탁해요", "부탁해용", "부탁드려요", "부탁드립니다", "부탁합니다", "좀",
    "요", "줘", "줘요", "주세요", "주라", "주실래요", "주시겠어요", "줄래", "줄래요", "줄수있어",
    "줄수있어요", "줄수있나요", "해", "해요", "해줘", "해줘요", "해주세요", "해줄래", "해줄래요",
    "해줄수있어", "해줄수있나요", "해주시겠어요", "하세요", "해라", "하자", "나요", "가요", "야", "이야",
    "예요", "이에요", "뭐야", "뭐예요", "뭔가요", "알려줘", "알려줘요", "알려주세요", "알려줄래", "보여줘",
    "보여주세요", "가르쳐줘", "가르쳐주세요", "빨리", "지금", "당장", "그냥", "이제",
    "ครับ", "ครับผม", "คับ", "ค่ะ", "คะ", "ค่า", "จ้า", "จ้ะ", "จ๊ะ", "นะ", "น้า", "น่า", "หน่อย", "ที", "ด้วย", "เลย",
    "เถอะ", "สิ", "ซิ", "ซะ", "ได้ไหม", "ได้มั้ย", "ได้ไหมคะ", "ให้หน่อย", "ช่วย", "กรุณา", "โปรด", "ขอ", "ขอดู",
    "ขอให้", "รบกวน", "บอก", "สอน", "คือ", "คืออะไร", "มีอะไรบ้าง", "ตอนนี้", "ขอบคุณ", "เหรอ", "ดี", "เป็นยังไง",
    "อยากรู้",
];
