//! Japanese.

use super::words::{FileNotices, Labels, MediaNotices, Privacy, Words};

pub(super) const WORDS: Words = Words {
    no_answer: "ごめんなさい、いまはお返事できませんでした🙏 少し時間をおいて、下の「もう一度」を押してください。",
    no_answer_no_button: "ごめんなさい、いまはお返事できませんでした🙏 少し時間をおいて、また聞いてください。",
    refused: "ごめんなさい、この内容にはお答えできません🙏 言い方を変えてみてください。",
    too_long: "ごめんなさい、メッセージが長すぎて読みきれません🙏 短く分けて送ってください。",
    not_understood: "ごめんなさい、この種類のメッセージはまだわかりません🙏",
    cut: "（長くなったので、ここまでにしますね✂️）",
    still_thinking: "いま考えています🤔 もう少しだけ待っていてくださいね。",
    answer_waits: "追伸：ひとつ前のご質問へのお返事は、このアカウントが1か月に送れるメッセージを使い切ったため、お届けできませんでした🙏 あとから届くこともありますが、もう一度聞いてくださっても大丈夫です。",
    limit_answers: "今日はたくさんお話ししましたね😊 続きはまた明日にしましょう！",
    limit_tokens: "今日のおしゃべりはここまでです🙏 また明日お話ししましょう！",
    not_allowed: "ごめんなさい、いまは決まった方とだけお話ししています🙏",
    question_too_long: |characters| {
        format!("ごめんなさい、一度に読めるのは{characters}文字までなんです🙏 短く分けて送ってください。")
    },
    forgotten: "これまでの会話はきれいに忘れました🧹 また最初からお話ししましょう！",
    ask_forget: "これまでの会話をすべて消しますか？ 消すと元に戻せません。下のボタンで選んでください（「忘れて」とだけ送っても消せます）。",
    kept: "何も消していません😊 このままお話を続けましょう！",
    privacy: |Privacy { days, models_owner, user }| {
        let days = days.map_or_else(|| "消すまで".to_owned(), |days| format!("最長{days}日間"));
        let owner = models_owner.unwrap_or("AIの提供元");
        let user = user
            .map(|user| {
                format!(
                    "\n\n🪪 あなたのID：{user}\nほかの記録も消したいときは、このIDを運営者に伝えてください。"
                )
            })
            .unwrap_or_default();
        format!(
            "🔒 プライバシーについて\n\n\
            📝 保存するもの：あなたのメッセージとお返事の文章（グループではお名前も）、選んだキャラ、1日の利用回数。写真や音声そのものは保存しません。\n\
            ⏳ 保存期間：会話は{days}、利用回数は60日間です。\n\
            🧹 消し方：「忘れて」と送ると会話を消します。メッセージの送信を取り消すと、そのお返事も消します。\n\
            👀 見る人：お返事を作るたびに、あなたが送ったものとお名前を{owner}に渡します。このボットの運営者も見ることができます。{user}"
        )
    },
    help: "なんでも気軽に話しかけてくださいね😊\n\
        こんな言葉も使えます👇\n\n\
        「忘れて」これまでの会話を忘れます\n\
        「キャラ」話し方や性格を変えます\n\
        「もう一度」最後の質問に答え直します\n\
        「続けて」途中で切れたお返事の続きを話します\n\
        「プライバシー」保存するものと消し方を伝えます\n\
        「ヘルプ」この説明を出します",
    group_help: "グループでは、わたしをメンション（@）してから書いてください。",
    persona_set: |name| format!("わかりました！ これからは「{name}」でいきますね✨"),
    persona_reset: "いつものキャラに戻りました😊",
    persona_ask: "どんなキャラがいいですか？🎭 ボタンから選ぶか、「キャラ：関西弁の陽気なおばちゃん」のように書いて送ってください。",
    group_persona_ask: |names| {
        format!(
            "どんなキャラがいいですか？🎭 わたしをメンションして、「キャラ：関西弁の陽気なおばちゃん」のように書いてください。こんなキャラもあります：{names}"
        )
    },
    persona_too_long: "ごめんなさい、キャラの説明が長すぎます🙏 もう少し短く書いてください。",
    personas: ["親友", "先生", "執事", "お笑い芸人"],
    nothing_to_retry: "答え直せる質問がまだないみたいです😊 まずは何か聞いてみてください。",
    nothing_to_continue: "途中で切れたお返事はないみたいです😊",
    greeting: |name| {
        let name = name.map(|name| format!("{name}さん、")).unwrap_or_default();
        format!("{name}はじめまして！ 友だち追加ありがとうございます😊 なんでも気軽に話しかけてくださいね。")
    },
    welcome_back: |name| {
        let name = name.map(|name| format!("{name}さん、")).unwrap_or_default();
        format!(
            "{name}おかえりなさい！ また友だちになってくださって、うれしいです😊 なんでも気軽に話しかけてくださいね。"
        )
    },
    group_greeting: |prefix, forget| {
        let or = prefix.map(|prefix| format!("、または「{prefix}」で始めて書いて")).unwrap_or_default();
        format!(
            "はじめまして！ 招待ありがとうございます😊 わたしをメンション（@）して{or}ください。わたしのメッセージへの返信にもお答えします。メンションして「{forget}」と書けば、ここでの会話を忘れます🧹"
        )
    },
    group_persona: "ごめんなさい、このグループでは決まった方だけがキャラを変えられます🙏",
    staff_help: "「人と話す」担当者がお返事します",
    handed_off: |until| {
        format!(
            "担当者に伝わっています🙋 このトークで担当者からお返事しますので、お待ちください。{until}まで、AIはお返事を控えます。AIと話すときは「AIに戻る」を押してください。"
        )
    },
    handoff_failed: "ごめんなさい、いまは担当者に連絡できませんでした🙏 少し時間をおいて、もう一度お試しください。",
    handed_back: "AIがお答えします😊 何でも聞いてくださいね。",
    staff_wanted: |name, at, until| {
        let name = name
            .map_or("お客さま（名前は不明です）".to_owned(), |name| format!("「{name}」さん"));
        format!(
            "🙋 {name}が、担当者と話したいそうです。こちらのチャットからお返事してください👇\n{at}\n{until}まで、AIはこの方にお返事しません。"
        )
    },
    labels: Labels {
        forget: "🧹 会話を忘れる",
        delete: "消す",
        keep: "やめる",
        help: "❓ 使い方",
        persona: "🎭 キャラを変える",
        retry: "🔁 もう一度",
        go_on: "▶️ 続きを読む",
        handoff: "🙋 人と話す",
        back: "🤖 AIに戻る",
        usual: "いつもの",
    },
    media_notices: MediaNotices {
        no_vision: "ごめんなさい、写真を見ることはできません🙏 言葉で教えてください。",
        image_too_large: "ごめんなさい、この写真は大きすぎます🙏 もう少し小さいものを送ってください。",
        image_unclear: "ごめんなさい、この写真はうまく見られませんでした🙏 別の写真で試してみてください。",
        no_transcription: "ごめんなさい、音声を聞くことはできません🙏 文字で送ってください。",
        audio_too_long: "ごめんなさい、この音声は長すぎます🙏 10分以内でお願いします。",
        no_words_heard: "ごめんなさい、言葉を聞き取れませんでした🙏 もう一度話すか、文字で送ってください。",
        content_unavailable: "ごめんなさい、送ってくださったものをLINEから受け取れませんでした🙏 もう一度送ってください。",
        heard: |words| format!("🎤 「{words}」"),
    },
    file_notices: FileNotices {
        too_large: "ごめんなさい、読めるファイルは10MBまでなんです🙏 小さくするか、必要なところの文章を送ってください。",
        unclear: "ごめんなさい、このファイルは読めませんでした🙏 空か、壊れているのかもしれません。文章をコピーして送ってください。",
        unknown_kind: |kind| {
            format!(
                "ごめんなさい、この種類のファイルは読めません🙏 文章をコピーして送るか、{kind}にして送ってください。"
            )
        },
        no_pdf: "ごめんなさい、PDFは読めません🙏 文章をコピーして送ってください。",
        video_unclear: "ごめんなさい、この動画はうまく見られませんでした🙏 スクリーンショットを送ってください。",
        or_screenshot: "スクリーンショットでも大丈夫です📷",
        photos: "📷 写真を選ぶ",
    },
};
