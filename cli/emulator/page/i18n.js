// The page's words, in English and Japanese.

const WORDS = {
  en: {
    skip: "Skip to the pipeline", save: "Save", save_why: "Save what was done as a JSON file", replay: "Replay",
    replay_why: "Do again what a saved file did", other_language: "日本語", other_language_why: "日本語で表示",
    theme: "Dark or light", lost: "henji dev does not answer. Is it still running?", views: "Views",
    chats: "Chats", pipeline: "Pipeline", knobs: "Break it", somebody: "One more person", name: "Name", join: "Add",
    knobs_why: "Whatever you do here: every message is answered exactly once, or told why not. Attempts are 1 to 8 s apart here, in earnest 10 s to 5 min.",
    nothing: "Write something to the bot. The way of every message shows up here, step by step.",
    letters: "Dead letters", redrive: "Redrive", redrive_all: "Redrive all", others: "Other calls",
    offline: "Offline stand-in model", offline_why: "No OPEN_AI_API_KEY: the answers come from a stand-in, served over HTTP in the chat-completions form.",
    real: "Model: {model}", up: "Pipeline runs", starting: "Pipeline starts …", killed: "Pipeline killed!", ended: "Pipeline ended", stopped: "Stopped",
    queued: "queued", in_flight: "in flight", dead_letters: "dead letters",
    write_to: "Message from {name}", writes: "{name} writes …", send: "Send", sticker: "Sticker", picture: "Picture", read: "Read",
    typing: "Henji is typing", unsend: "Unsend", unsent: "{name} unsent a message", block: "Block", unblock: "Unblock",
    voice: "Voice", silence: "Silence", video: "Video", file: "File", location: "Place", attach: "Attach a file", more: "Stickers and more", sample_voice: "What shall we cook tonight?", too_big: "This file is larger than henji dev takes (23 MB).",
    quote: "Quote", quoting: "Quoting", edit: "Edit", edited: "edited", editing: "Editing", cancel: "Cancel", mention: "Mention", chats_of: "Chats of {name}", news: "new", enter: "Join {name}",
    invite: "Invite Henji", remove: "Remove Henji", invited: "Henji was invited", removed: "Henji was removed", entered: "{name} joined the group", empty_group: "Henji hears nothing here until it is invited; then mention it: @Henji",
    blocked: "{name} blocked the bot", unblocked: "{name} is a friend again", friend: "friend", blocker: "has blocked the bot",
    chat_of: "Chat of {name}", empty: "Say hello to the bot",
    accepted: "Accepted", queue: "Queued", history: "History", model: "Model", stored: "Stored", pushed: "Pushed",
    of_two: "of 2 s", waits: "waits", waited: "{s} s", messages: "{n} messages", message: "1 message", tokens: "{a} → {b} tokens",
    first: "nothing yet", parts: "{n} pushes", part: "1 push", replied: "replied, free", free: "free", quick: "Quick replies", speaks: "Language",
    patience: "Asked for patience by the free reply.", not_replied: "LINE did not take the free reply, for certain: it is pushed.",
    state_sending: "on its way", state_queued: "queued", state_working: "being answered", state_retry: "tried again soon",
    state_answered: "answered once · {s} s", state_merged: "answered with a later one", state_dead: "dead letter", state_skipped: "needs no answer", state_noticed: "told politely", state_gone: "the bot is not there", changed: "It was edited meanwhile: it is thought about anew.", state_silent: "silence: told before", state_forgot: "forgot it", state_forgotten: "forgotten",
    state_already: "answered before", state_kept: "edit noted", state_refused: "not taken", raw: "Raw JSON · {n}", copy: "Copy", copied: "Copied", not_copied: "Selected: copy it with the keyboard.", redeliver: "Redeliver",
    request: "Request", response: "Response", no_answer_yet: "no answer yet", broken: "the connection broke", abandoned: "the caller was gone",
    webhook: "Webhook", attempt: "Attempt {n} begins{after}.", after_kill: ": the worker before it died in mid-turn",
    again_in: "{reason}: tried again in {s} s.", redelivered: "LINE delivered it again: {status} in {ms} ms. The queue knows the event; it is not answered twice.",
    redelivered_lost: "LINE delivers it again: {why}.", not_taken: "The webhook was not taken ({why}): LINE will deliver it again.",
    conflict: "Pushed again under the same retry key: LINE says 409, it has it. Delivered once.", push_failed: "Push: {status}.",
    model_failed: "Model: {status} after {s} s.", dead: "{reason} after {n} attempt(s): {detail}", told: "The user was told, once.",
    think: "The model thinks", seconds: "{s} s", model_does: "The model", line_does: "LINE", behaves: "behaves",
    m_busy: "answers 429", m_broken: "answers 500", m_hangs: "never answers", m_refuses: "refuses (400)", m_overflow: "context overflow",
    l_broken: "answers 500", l_busy: "answers 429", l_loses: "loses its answer", l_quota: "quota is used up",
    contents_are: "Voices are", c_ready: "ready at once", c_slow: "ready later (202)", c_fails: "never ready",
    how_often: "How often", once: "next call only", always: "until I say stop", redeliver_last: "Redeliver the last webhook", kill: "Kill the worker",
    kill_why: "kill -9, as a crash would", show_twice: "LINE delivers twice", show_kill: "The worker dies", show_lost: "An answer is lost",
    show_dead: "Dead letter", show_long: "A long answer", replaying: "Replaying: {done} of {steps}", replayed_same: "Replayed: the same {got} messages, word for word.",
    replayed_other: "Replayed: {got} messages from the bot, {expected} in the file, not the same.", not_replayed: "Not replayed: {why}.",
    hello_there: "Good morning! What shall we do today?", long_story: "Please tell me a long story", sent_by: "sent", remembers: "The bot remembers {n} earlier message(s) with {name}.",
  },
  ja: {
    skip: "パイプラインへ移動", save: "保存", save_why: "この会話をJSONファイルに保存", replay: "再生",
    replay_why: "保存したファイルをもう一度実行", other_language: "English", other_language_why: "Show in English",
    theme: "明るい・暗い", lost: "henji dev から応答がありません。起動していますか？", views: "表示",
    chats: "トーク", pipeline: "パイプライン", knobs: "壊してみる", somebody: "もう一人", name: "名前", join: "追加",
    knobs_why: "何をしても、返事はちょうど一度だけ届きます。届けられないときは、そう伝えます。再試行の間隔はここでは1〜8秒（本番は10秒〜5分）です。",
    nothing: "ボットに話しかけてみてください。メッセージの道のりが、ここに一歩ずつ表示されます。",
    letters: "デッドレター", redrive: "再投入", redrive_all: "すべて再投入", others: "そのほかの呼び出し",
    offline: "オフラインの代役モデル", offline_why: "OPEN_AI_API_KEY がないので、代役が chat completions 形式のHTTPで答えています。",
    real: "モデル: {model}", up: "パイプライン稼働中", starting: "起動中…", killed: "強制終了！", ended: "終了しました", stopped: "停止",
    queued: "待機", in_flight: "処理中", dead_letters: "デッドレター",
    write_to: "{name}からのメッセージ", writes: "{name}の発言…", send: "送信", sticker: "スタンプ", picture: "画像", read: "既読",
    typing: "返事を入力中", unsend: "送信取消", unsent: "{name}がメッセージの送信を取り消しました", block: "ブロック", unblock: "ブロック解除",
    voice: "ボイス", silence: "無音", video: "動画", file: "ファイル", location: "位置情報", attach: "ファイルを添付", more: "スタンプなど", sample_voice: "今夜はなにを作ろうか？", too_big: "このファイルは大きすぎます（23 MBまで）。",
    quote: "引用", quoting: "引用：", edit: "編集", edited: "編集済み", editing: "編集：", cancel: "やめる", mention: "メンション", chats_of: "{name}のトーク一覧", news: "新着", enter: "{name}に参加",
    invite: "Henjiを招待", remove: "Henjiを外す", invited: "Henjiが招待されました", removed: "Henjiが外されました", entered: "{name}が参加しました", empty_group: "招待されるまでHenjiには聞こえません。招待したら @Henji と呼んでください",
    blocked: "{name}がボットをブロックしました", unblocked: "{name}がまた友だちになりました", friend: "友だち", blocker: "ブロック中",
    chat_of: "{name}のトーク", empty: "ボットに話しかけてみよう",
    accepted: "受付", queue: "キュー", history: "履歴", model: "モデル", stored: "保存", pushed: "送信",
    of_two: "/ 2秒", waits: "待機中", waited: "{s}秒", messages: "{n}件", message: "1件", tokens: "{a} → {b}トークン",
    first: "まだなし", parts: "{n}回", part: "1回", replied: "無料の返信", free: "無料", quick: "クイックリプライ", speaks: "言語",
    patience: "無料の返信で、もう少し待ってもらいました。", not_replied: "無料の返信は届かなかったとわかったので、プッシュします。",
    state_sending: "配信中", state_queued: "待機中", state_working: "返事を考え中", state_retry: "まもなく再試行",
    state_answered: "一度だけ返事済み・{s}秒", state_merged: "後のメッセージと一緒に返事", state_dead: "デッドレター", state_skipped: "返事は不要", state_noticed: "案内を返信", state_gone: "ボットはもういません", changed: "途中で編集されたので、考え直します。", state_silent: "案内済み・沈黙", state_forgot: "忘れました", state_forgotten: "忘れられました",
    state_already: "返事は済んでいます", state_kept: "編集を記録", state_refused: "受け付けられず", raw: "生のJSON・{n}", copy: "コピー", copied: "コピーしました", not_copied: "選択しました。キーボードでコピーしてください。", redeliver: "再配信",
    request: "リクエスト", response: "レスポンス", no_answer_yet: "応答待ち", broken: "接続が切れました", abandoned: "呼び出し側がいなくなりました",
    webhook: "Webhook", attempt: "{n}回目の試行{after}。", after_kill: "：前のワーカーは処理の途中で倒れました",
    again_in: "{reason}：{s}秒後に再試行します。", redelivered: "LINEが再配信：{ms}ミリ秒で{status}。キューが覚えているので、二度は返事しません。",
    redelivered_lost: "LINEが再配信：{why}。", not_taken: "Webhookを受け取れませんでした（{why}）。LINEが再配信します。",
    conflict: "同じリトライキーで再送 → LINEは409「受付済み」。届くのは一度だけ。", push_failed: "プッシュ：{status}。",
    model_failed: "モデル：{s}秒後に{status}。", dead: "{reason}（{n}回試行）：{detail}", told: "送れなかったことを、一度だけ伝えました。",
    think: "モデルが考える時間", seconds: "{s}秒", model_does: "モデルは", line_does: "LINEは", behaves: "正常",
    m_busy: "429を返す", m_broken: "500を返す", m_hangs: "応答しない", m_refuses: "拒否する（400）", m_overflow: "文脈あふれ",
    l_broken: "500を返す", l_busy: "429を返す", l_loses: "応答を失う", l_quota: "月の上限に到達",
    contents_are: "ボイスの準備", c_ready: "すぐ完了", c_slow: "後で完了（202）", c_fails: "失敗する",
    how_often: "いつまで", once: "次の一回だけ", always: "やめるまで", redeliver_last: "最後のWebhookを再配信", kill: "ワーカーを強制終了",
    kill_why: "kill -9（クラッシュと同じ）", show_twice: "LINEが二度配信", show_kill: "ワーカーが倒れる", show_lost: "応答が失われる",
    show_dead: "デッドレター", show_long: "長い返事", replaying: "再生中：{done}／{steps}", replayed_same: "再生完了：{got}件の返事が一字一句同じでした。",
    replayed_other: "再生完了：返事{got}件（ファイルは{expected}件）、同じではありません。", not_replayed: "再生できません：{why}",
    // The server's reasons for refusing a step.
    "a message has 1 to 100,000 bytes": "メッセージは1〜100,000バイトです", "nothing was delivered yet": "まだ何も配信していません",
    "there is no such message": "そのメッセージはありません", "LINE lets nobody quote such a message": "LINEでは引用できないメッセージです",
    "LINE lets people edit their texts in groups only": "LINEで編集できるのはグループのテキストだけです",
    "a person has an id as LINE's (U and 32 hex digits) and a name of 1 to 20 characters": "名前は1〜20文字です",
    "they are in this group already": "すでに参加しています", "the bot is in this group already": "ボットはすでにグループにいます", "the bot is not in this group": "ボットはグループにいません",
    "the dead letters cannot be read": "デッドレターを読めません", "the letter is not a job": "このデッドレターはジョブではありません",
    "a conversation is being replayed already": "ほかの会話を再生中です",
    hello_there: "おはよう！今日はなにしようか？", long_story: "長い話を聞かせて！", sent_by: "送信", remembers: "ボットは{name}との以前のメッセージ{n}件を覚えています。",
  },
};

const stored = localStorage.getItem("henji.language");
let language = stored ?? (navigator.language.startsWith("ja") ? "ja" : "en");

/** Returns the words of this name in the page's language, with the values put in. */
export function t(name, values = {}) {
  const words = WORDS[language][name] ?? name;
  return words.replace(/\{(\w+)\}/g, (_, value) => values[value] ?? "");
}

/** Puts the words into every element whose `data-t` attributes name them. */
export function translate(root = document) {
  document.documentElement.lang = language;
  const put = (attribute, use) => {
    for (const e of root.querySelectorAll(`[data-t${attribute}]`)) use(e, t(e.getAttribute(`data-t${attribute}`)));
  };
  put("", (e, words) => (e.textContent = words));
  put("-label", (e, words) => e.setAttribute("aria-label", words));
  put("-title", (e, words) => e.setAttribute("title", words));
  put("-placeholder", (e, words) => e.setAttribute("placeholder", words));
}

/** Switches to the other language, and stores the choice. */
export function switchLanguage() {
  language = language === "ja" ? "en" : "ja";
  localStorage.setItem("henji.language", language);
}

/** Formats a time of day. */
export function clock(at) {
  return new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Formats milliseconds as seconds: with one decimal below ten seconds, else without. */
export function seconds(ms) {
  return (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
}
