//! Traditional Chinese.

use super::words::{FileNotices, Labels, MediaNotices, Privacy, Words};

pub(super) const WORDS: Words = Words {
    no_answer: "抱歉，這次沒能回覆你🙏 請稍後按下面的「重試」。",
    no_answer_no_button: "抱歉，這次沒能回覆你🙏 請稍後再問我一次。",
    refused: "抱歉，這個內容我沒辦法回答🙏 換個說法再試試看吧。",
    too_long: "抱歉，這則訊息太長了🙏 請分成短一點的幾則再傳。",
    not_understood: "抱歉，這類訊息我還看不懂🙏",
    cut: "（內容太長，先說到這裡✂️）",
    still_thinking: "我還在想🤔 再等我一下下喔！",
    answer_waits: "補充：你前一個問題的回覆沒能送出，因為這個帳號一個月的訊息額度用完了🙏 之後可能還會送到，你也可以再問我一次。",
    limit_answers: "今天聊了好多呢😊 我們明天再繼續吧！",
    limit_tokens: "今天只能聊到這裡了🙏 明天再聊喔！",
    not_allowed: "抱歉，目前我只能跟名單上的朋友聊天🙏",
    question_too_long: |characters| {
        format!("抱歉，我一次只能讀 {characters} 個字🙏 請分成短一點的幾則再傳。")
    },
    forgotten: "之前的對話我都忘掉囉🧹 我們重新開始吧！",
    ask_forget: "要刪除我們所有的對話嗎？刪除後無法復原。請用下面的按鈕選擇（只傳「忘記」也可以刪除）。",
    kept: "什麼都沒有刪除😊 我們繼續聊吧！",
    privacy: |Privacy { days, models_owner, user }| {
        let days = days.map_or_else(|| "到你刪除為止".to_owned(), |days| format!("最多 {days} 天"));
        let owner = models_owner.unwrap_or("AI 模型的供應商");
        let user = user
            .map(|user| format!("\n\n🪪 你的 ID：{user}\n想刪除其他紀錄時，請把這個 ID 告訴營運者。"))
            .unwrap_or_default();
        format!(
            "🔒 關於隱私\n\n\
            📝 儲存內容：你的訊息和我的回答文字（在群組裡包含你的名字）、選擇的角色、每天的使用次數。不儲存圖片和語音本身。\n\
            ⏳ 保存期間：對話保存{days}，使用次數保存 60 天。\n\
            🧹 如何刪除：傳「忘記」就會刪除對話。收回訊息時，它的回答也會一併刪除。\n\
            👀 誰會看到：每次回答時，你傳的內容和名字會交給 {owner}。這個機器人的營運者也看得到。{user}"
        )
    },
    help: "什麼都可以跟我聊😊\n\
        也可以傳下面這些指令👇\n\n\
        「忘記」忘掉之前的對話\n\
        「角色」改變我的個性和說話方式\n\
        「重試」重新回答上一個問題\n\
        「繼續」把沒說完的回答說完\n\
        「隱私」說明儲存了什麼、如何刪除\n\
        「說明」顯示這則說明",
    group_help: "在群組裡，請先標記我（@）再寫這些指令。",
    persona_set: |name| format!("好的！從現在起我就是「{name}」✨"),
    persona_reset: "我變回原本的樣子囉😊",
    persona_ask: "想要我變成什麼角色呢？🎭 可以點選下面的按鈕，或是像「角色：愛說冷笑話的老師」這樣寫給我。",
    group_persona_ask: |names| {
        format!("想要我變成什麼角色呢？🎭 請標記我，像「角色：愛說冷笑話的老師」這樣寫。也可以選：{names}")
    },
    persona_too_long: "抱歉，角色的描述太長了🙏 請再寫短一點。",
    personas: ["好朋友", "老師", "管家", "喜劇演員"],
    nothing_to_retry: "目前還沒有可以重新回答的問題😊 先問我點什麼吧！",
    nothing_to_continue: "目前沒有說到一半的回答喔😊",
    greeting: |name| {
        let name = name.map(|name| format!("，{name}")).unwrap_or_default();
        format!("你好{name}！謝謝你加我好友😊 什麼都可以跟我聊喔。")
    },
    welcome_back: |name| {
        let name = name.map(|name| format!("，{name}")).unwrap_or_default();
        format!("歡迎回來{name}！很高興又見到你😊 什麼都可以跟我聊喔。")
    },
    group_greeting: |prefix, forget| {
        let or = prefix.map(|prefix| format!("、以「{prefix}」開頭")).unwrap_or_default();
        format!(
            "大家好！謝謝邀請我😊 標記我（@）{or}，或回覆我的訊息，我就會回答。標記我並寫「{forget}」，我就會忘記這裡的對話🧹"
        )
    },
    group_persona: "抱歉，在這個群組裡只有特定的人可以更換角色🙏",
    staff_help: "「轉接真人」由專人回覆你",
    handed_off: |until| {
        format!(
            "我們的專人已經知道了🙋 會在這個聊天室回覆你，請稍候。{until} 之前 AI 不會回覆。想和 AI 聊天時，請按「回到AI」。"
        )
    },
    handoff_failed: "抱歉，現在無法聯絡到專人🙏 請稍後再試一次。",
    handed_back: "AI 回來囉😊 有什麼問題都可以問我。",
    staff_wanted: |name, at, until| {
        let name = name.map_or("有一位顧客（名稱不明）".to_owned(), |name| format!("「{name}」"));
        format!("🙋 {name}想和真人對話。請在聊天中回覆👇\n{at}\n{until} 之前 AI 不會回覆這位顧客。")
    },
    labels: Labels {
        forget: "🧹 忘記對話",
        delete: "刪除",
        keep: "取消",
        help: "❓ 使用說明",
        persona: "🎭 換個角色",
        retry: "🔁 重試",
        go_on: "▶️ 繼續",
        handoff: "🙋 轉接真人",
        back: "🤖 回到AI",
        usual: "預設",
    },
    media_notices: MediaNotices {
        no_vision: "抱歉，我沒辦法看圖片🙏 請用文字告訴我。",
        image_too_large: "抱歉，這張圖片太大了🙏 請傳小一點的。",
        image_unclear: "抱歉，我看不清楚這張圖片🙏 換一張試試看吧。",
        no_transcription: "抱歉，我沒辦法聽語音訊息🙏 請用文字傳給我。",
        audio_too_long: "抱歉，這段語音太長了🙏 請控制在十分鐘以內。",
        no_words_heard: "抱歉，我沒聽到任何話🙏 請再說一次，或用文字傳給我。",
        content_unavailable: "抱歉，我沒辦法從 LINE 取得你傳的內容🙏 請再傳一次。",
        heard: |words| format!("🎤「{words}」"),
    },
    file_notices: FileNotices {
        too_large: "抱歉，我最多只能讀 10 MB 的檔案🙏 請傳小一點的檔案，或把需要的文字貼過來。",
        unclear: "抱歉，我讀不了這個檔案🙏 它可能是空的，或是已經損壞。請把文字貼過來。",
        unknown_kind: |kind| format!("抱歉，我看不懂這種檔案🙏 請把文字貼過來，或轉成 {kind} 再傳給我。"),
        no_pdf: "抱歉，我讀不了 PDF 檔🙏 請把文字複製貼過來。",
        video_unclear: "抱歉，我看不了這部影片🙏 請傳截圖給我。",
        or_screenshot: "傳截圖也可以喔📷",
        photos: "📷 選擇照片",
    },
};
