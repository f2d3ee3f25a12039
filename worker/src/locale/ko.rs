//! Korean.

use super::words::{Labels, MediaNotices, Words};

pub(super) const WORDS: Words = Words {
    no_answer: "죄송해요, 이번에는 답변하지 못했어요🙏 잠시 후 아래의 ‘다시’를 눌러 주세요.",
    no_answer_no_button: "죄송해요, 이번에는 답변하지 못했어요🙏 잠시 후 한 번 더 물어봐 주세요.",
    refused: "죄송해요, 이 내용에는 답할 수 없어요🙏 다르게 표현해 보세요.",
    too_long: "죄송해요, 메시지가 너무 길어요🙏 짧게 나누어 보내 주세요.",
    not_understood: "죄송해요, 이런 종류의 메시지는 아직 이해하지 못해요🙏",
    cut: "(길어져서 여기까지만 보낼게요✂️)",
    still_thinking: "아직 생각 중이에요🤔 조금만 더 기다려 주세요!",
    limit_answers: "오늘 정말 많이 이야기했네요😊 내일 또 이어서 해요!",
    limit_tokens: "오늘은 여기까지만 할 수 있어요🙏 내일 또 이야기해요!",
    not_allowed: "죄송해요, 지금은 등록된 분들하고만 이야기하고 있어요🙏",
    question_too_long: |characters| {
        format!("죄송해요, 한 번에 {characters}자까지만 읽을 수 있어요🙏 짧게 나누어 보내 주세요.")
    },
    forgotten: "지금까지의 대화는 깨끗이 잊었어요🧹 처음부터 다시 이야기해요!",
    help: "무엇이든 편하게 말을 걸어 주세요😊\n\
        이런 말도 쓸 수 있어요👇\n\n\
        ‘잊어줘’ 지금까지의 대화를 잊어요\n\
        ‘캐릭터’ 성격과 말투를 바꿔요\n\
        ‘다시’ 마지막 질문에 다시 답해요\n\
        ‘계속’ 중간에 끊긴 답을 이어서 말해요\n\
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
};
