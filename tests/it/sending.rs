//! `henji send` with a bot and with `henji dev`.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use worker::locale::Locale;

use crate::harness::{
    local::Bot,
    process::{henji, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn send_signs_as_line_does_and_prints_status_and_time() {
    let mut bot = Bot::start().await;
    let url = format!("{}{}", bot.origin, crate::harness::local::PATH);
    let secret = crate::harness::local::SECRET;
    let output = run(&["send", "--text", "hi", "--url", &url, "--secret", secret]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.starts_with("200") && out.contains("ms"), "{out}");
    bot.answers(&["answer to hi"]).await;
    assert_eq!(run(&["send", "--text", "hi", "--url", &url, "--secret", "wrong"]).status.code(), Some(1));

    // The file is an API Gateway event, with a plain body or one in base64.
    let body = cli::commands::send::webhook_of("from a file", "U9").to_string();
    for (body, is_base64) in [(body.clone(), false), (base64(body.as_bytes()), true)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{}", serde_json::json!({ "body": body, "isBase64Encoded": is_base64 })).unwrap();
        let path = file.path().to_str().unwrap();
        assert!(run(&["send", "--file", path, "--url", &url, "--secret", secret]).status.success());
    }
    bot.answers(&["answer to from a file"]).await;
}

fn base64(bytes: &[u8]) -> String {
    let mut child =
        Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn dev_answers_what_send_sends_without_an_account() {
    let folder = tempfile::TempDir::new().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut dev = Command::new(henji())
        .args(["dev", "--listen", &format!("127.0.0.1:{port}")])
        .env_clear()
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{port}{}", crate::harness::local::PATH);
    let mut out = String::new();
    for _ in 0..100 {
        let output = run(&["send", "--text", "こんにちは", "--url", &url]);
        out = String::from_utf8(output.stdout).unwrap();
        if output.status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let user = "U00000000000000000000000000000001";
    let says = |text: &str| run(&["send", "--text", text, "--url", &url, "--user", user, "--wait", "30"]);
    let others = ["ヘルプ", "プライバシー", "ぜんぶ忘れて！！"].map(says);
    let data = folder.path().join(".henji-dev");
    let paused = run(&["pause", user, "--data", data.to_str().unwrap()]);
    let in_pause = says("いますか？");
    dev.kill().unwrap();
    dev.wait().unwrap();
    assert!(out.starts_with("200") && out.contains("「こんにちは」ですね"), "{out}");
    let words = Locale::Ja.words();
    let ask_forget = words.ask_forget;
    for (sent, says) in others.iter().zip(["忘れて", user, ask_forget]) {
        let out = String::from_utf8_lossy(&sent.stdout);
        assert!(sent.status.success() && out.contains(says), "{says}: {out}");
    }
    assert!(paused.status.success(), "{}", String::from_utf8_lossy(&paused.stderr));
    let out = String::from_utf8_lossy(&in_pause.stdout);
    assert!(in_pause.status.success() && out.ends_with("the bot sends nothing\n"), "{out}");
}
