//! Korean.

use super::words::{FileNotices, Labels, MediaNotices, Privacy, Words};

pub(super) const WORDS: Words = Words {
    no_answer: "죄송해요, 이번에는 답변하지 못했어요🙏 잠시 후 아래의 ‘다시’를 눌러 주세요.",
    no_answer_no_button: "죄송해요, 이번에는 답변하지 못했어요🙏 잠시 후 한 번 더 물어봐 주세요.",
    refused: "죄송해요, 이 내용에는 답할 수 없어요🙏 다르게 표현해 보세요.",
    too_long: "죄송해요, 메시지가 너무 길어요🙏 짧게 나누어 보내 주세요.",
    not_understood: "죄송해요, 이런 종류의 메시지는 아직 이해하지 못해요🙏",
    cut: "(길어져서 여기까지만 보낼게요✂️)",
    still_thinking: "아직 생각 중이에요🤔 조금만 더 기다려 주세요!",
    answer_waits: "덧붙여요: 바로 전 질문의 답변은 이 계정이 한 달에 보낼 수 있는 메시지를 다 써서 보내지 못했어요🙏 나중에 도착할 수도 있지만, 다시 물어보셔도 돼요.",
    limit_answers: "오늘 정말 많이 이야기했네요😊 내일 또 이어서 해요!",
    limit_tokens: "오늘은 여기까지만 할 수 있어요🙏 내일 또 이야기해요!",
    not_allowed: "죄송해요, 지금은 등록된 분들하고만 이야기하고 있어요🙏",
    question_too_long: |characters| {
        format!("죄송해요, 한 번에 {characters}자까지만 읽을 수 있어요🙏 짧게 나누어 보내 주세요.")
    },
    forgotten: "지금까지의 대화는 깨끗이 잊었어요🧹 처음부터 다시 이야기해요!",
    ask_forget: "지금까지의 대화를 모두 삭제할까요? 삭제하면 되돌릴 수 없어요. 아래 버튼에서 골라 주세요(‘잊어줘’라고만 보내도 삭제돼요).",
    kept: "아무것도 삭제하지 않았어요😊 계속 이야기해요!",
    privacy: |Privacy { days, models_owner, user }| {
        let days = days.map_or_else(|| "삭제할 때까지".to_owned(), |days| format!("최대 {days}일 동안"));
        let owner = models_owner.unwrap_or("AI 모델 제공 업체");
        let user = user
            .map(|user| {
                format!("\n\n🪪 내 ID: {user}\n다른 기록도 지우고 싶다면 이 ID를 운영자에게 알려 주세요.")
            })
            .unwrap_or_default();
        format!(
            "🔒 개인정보 안내\n\n\
            📝 저장하는 것: 보내신 메시지와 제 답변의 글(그룹에서는 이름도), 고른 캐릭터, 하루 이용 횟수. 사진과 음성 자체는 저장하지 않아요.\n\
            ⏳ 보관 기간: 대화는 {days}, 이용 횟수는 60일 동안 보관해요.\n\
            🧹 삭제 방법: ‘잊어줘’라고 보내면 대화를 삭제해요. 메시지 전송을 취소하면 그 답변도 삭제해요.\n\
            👀 누가 보나요: 답변할 때마다 보내신 내용과 이름이 {owner}에 전달돼요. 이 봇의 운영자도 볼 수 있어요.{user}"
        )
    },
    help: "무엇이든 편하게 말을 걸어 주세요😊\n\
        이런 말도 쓸 수 있어요👇\n\n\
        ‘잊어줘’ 지금까지의 대화를 잊어요\n\
        ‘캐릭터’ 성격과 말투를 바꿔요\n\
        ‘다시’ 마지막 질문에 다시 답해요\n\
        ‘계속’ 중간에 끊긴 답을 이어서 말해요\n\
        ‘개인정보’ 무엇을 저장하고 어떻게 지우는지 알려줘요\n\
        ‘도움말’ 이 설명을 보여줘요",
    group_help: "그룹에서는 저를 멘션(@)한 다음에 써 주세요.",
    persona_set: |name| format!("좋아요! 이제부터 ‘{name}’ 캐릭터로 이야기할게요✨"),
    persona_reset: "원래의 저로 돌아왔어요😊",
    persona_ask: "어떤 캐릭터가 좋을까요?🎭 아래 버튼에서 고르거나 ‘캐릭터: 사투리 쓰는 다정한 할머니’처럼 적어서 보내 주세요.",
    group_persona_ask: |names| {
        format!(
            "어떤 캐릭터가 좋을까요?🎭 저를 멘션하고 ‘캐릭터: 사투리 쓰는 다정한 할머니’처럼 적어 주세요. 이런 캐릭터도 있어요: {names}"
        )
    },
    persona_too_long: "죄송해요, 캐릭터 설명이 너무 길어요🙏 조금만 줄여 주세요.",
    personas: ["단짝 친구", "선생님", "집사", "코미디언"],
    nothing_to_retry: "아직 다시 답할 질문이 없어요😊 먼저 뭐든 물어보세요!",
    nothing_to_continue: "중간에 끊긴 답이 없어요😊",
    greeting: |name| {
        let name = name.map(|name| format!("{name}님, ")).unwrap_or_default();
        format!("{name}반가워요! 친구로 추가해 주셔서 감사해요😊 무엇이든 편하게 말을 걸어 주세요.")
    },
    welcome_back: |name| {
        let name = name.map(|name| format!("{name}님, ")).unwrap_or_default();
        format!("{name}다시 와 주셔서 반가워요😊 무엇이든 편하게 말을 걸어 주세요.")
    },
    group_greeting: |prefix, forget| {
        let or = prefix.map(|prefix| format!(" ‘{prefix}’(으)로 시작하거나,")).unwrap_or_default();
        format!(
            "안녕하세요! 초대해 주셔서 고마워요😊 저를 멘션(@)하거나,{or} 제 메시지에 답장하면 대답해요. 저를 멘션하고 ‘{forget}’라고 쓰면 여기서 나눈 대화를 잊어요🧹"
        )
    },
    group_persona: "죄송해요, 이 그룹에서는 정해진 분만 캐릭터를 바꿀 수 있어요🙏",
    staff_help: "‘상담원 연결’ 담당자가 직접 답해 드려요",
    handed_off: |until| {
        format!(
            "담당자에게 전달되어 있어요🙋 이 채팅에서 담당자가 답해 드릴 테니 잠시만 기다려 주세요. {until}까지 AI는 답하지 않아요. AI와 이야기하려면 ‘AI로 돌아가기’를 눌러 주세요."
        )
    },
    handoff_failed: "죄송해요, 지금은 담당자에게 연락하지 못했어요🙏 잠시 후 다시 시도해 주세요.",
    handed_back: "이제 AI가 답해 드려요😊 무엇이든 물어보세요.",
    staff_wanted: |name, at, until| {
        let name =
            name.map_or("고객 한 분(이름을 알 수 없음)".to_owned(), |name| format!("‘{name}’ 님"));
        format!(
            "🙋 {name}이 담당자와 이야기하고 싶어 해요. 채팅에서 답해 주세요👇\n{at}\n{until}까지 AI는 이분에게 답하지 않아요."
        )
    },
    labels: Labels {
        forget: "🧹 대화 잊기",
        delete: "삭제",
        keep: "취소",
        help: "❓ 도움말",
        persona: "🎭 캐릭터 바꾸기",
        retry: "🔁 다시",
        go_on: "▶️ 계속",
        handoff: "🙋 상담원 연결",
        back: "🤖 AI로 돌아가기",
        usual: "기본",
    },
    media_notices: MediaNotices {
        no_vision: "죄송해요, 저는 사진을 볼 수 없어요🙏 글로 알려 주세요.",
        image_too_large: "죄송해요, 사진이 너무 커요🙏 조금 더 작은 사진을 보내 주세요.",
        image_unclear: "죄송해요, 이 사진을 알아볼 수 없었어요🙏 다른 사진으로 해 보세요.",
        no_transcription: "죄송해요, 저는 음성을 들을 수 없어요🙏 글로 보내 주세요.",
        audio_too_long: "죄송해요, 음성이 너무 길어요🙏 10분 이내로 부탁드려요.",
        no_words_heard: "죄송해요, 말소리를 알아듣지 못했어요🙏 다시 말하거나 글로 보내 주세요.",
        content_unavailable: "죄송해요, 보내신 내용을 LINE에서 받지 못했어요🙏 다시 보내 주세요.",
        heard: |words| format!("🎤 ‘{words}’"),
    },
    file_notices: FileNotices {
        too_large: "죄송해요, 10MB까지의 파일만 읽을 수 있어요🙏 더 작은 파일이나 필요한 부분의 글을 보내 주세요.",
        unclear: "죄송해요, 이 파일을 읽지 못했어요🙏 비어 있거나 손상됐을 수 있어요. 글을 복사해서 보내 주세요.",
        unknown_kind: |kind| {
            format!(
                "죄송해요, 이런 종류의 파일은 읽을 수 없어요🙏 글을 복사해서 보내거나 {kind} 파일로 보내 주세요."
            )
        },
        no_pdf: "죄송해요, PDF 파일은 읽을 수 없어요🙏 글을 복사해서 보내 주세요.",
        video_unclear: "죄송해요, 이 동영상은 볼 수 없었어요🙏 스크린샷을 보내 주세요.",
        or_screenshot: "스크린샷을 보내 주셔도 돼요📷",
        photos: "📷 사진 고르기",
    },
};
