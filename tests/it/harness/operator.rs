//! An operator with a shell in a separate folder, who runs the real `henji`.

use std::{collections::HashSet, path::PathBuf, process::Stdio, sync::Arc};

use serde_json::{Value, json};
use shared::env::Env;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::harness::{lambda::cloud::Cloud, local::Bot, process::henji, secrecy::Private};

pub struct Operator {
    pub folder: TempDir,
    variables: Vec<(String, String)>,
    /// The arguments that name the bot, which every command gets.
    place: Vec<String>,
    audit: PathBuf,
    /// The texts that its commands show only with `--reveal`.
    private: Arc<Private>,
}

/// The end of a command: its exit code and its output.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Operator {
    /// Makes the operator of a deployment.
    pub fn of(cloud: &Cloud, further: &[(&str, &str)]) -> Self {
        let mut variables = cloud.variables();
        variables.extend(further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let folder = TempDir::new().unwrap();
        let audit = folder.path().join("henji-audit.jsonl");
        Self { folder, variables, place: vec![], audit, private: Arc::default() }
    }

    /// Makes the operator of a bot on this machine.
    pub fn beside(bot: &Bot) -> Self {
        let line = bot.settings.worker.line_api_base_url.as_str();
        let variables =
            [("LINE_CHANNEL_ACCESS_TOKEN", "an-access-token"), ("LINE_API_BASE_URL", line), ("LOCALE", "en")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
        let data = bot.data.path();
        let place = vec!["--data".to_owned(), data.to_str().unwrap().to_owned()];
        let audit = data.join("henji-audit.jsonl");
        Self { folder: TempDir::new().unwrap(), variables, place, audit, private: bot.private.clone() }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.program(henji(), args)
    }

    fn program(&self, program: PathBuf, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).args(&self.place).env_clear().envs(self.variables.iter().cloned());
        command.env("USER", "an operator").current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub async fn runs(&self, args: &[&str]) -> Ended {
        self.checked(args, self.command(args).output().await.unwrap())
    }

    /// Runs a command with this text as its input.
    pub async fn told(&self, args: &[&str], text: &str) -> Ended {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).await.unwrap();
        drop(stdin);
        self.checked(args, child.wait_with_output().await.unwrap())
    }

    /// Runs a command on a terminal, and types each answer after its prompt; `out` is everything that the terminal
    /// shows.
    pub async fn types(&self, typed: &[(&str, &str)], args: &[&str]) -> Ended {
        let (script, henji) = (concat!(env!("CARGO_MANIFEST_DIR"), "/it/terminal.py"), henji());
        let before = [script, &json!(typed).to_string(), henji.to_str().unwrap()];
        let mut command = self.program("python3".into(), &[&before, args].concat());
        let path = Env::of_process();
        self.checked(args, command.env("PATH", path.required("PATH").unwrap()).output().await.unwrap())
    }

    /// Returns the end of a command, and asserts that it showed nothing private without `--reveal`.
    fn checked(&self, args: &[&str], output: std::process::Output) -> Ended {
        let ended = ended(output);
        let private = if args.contains(&"--reveal") { &Private::default() } else { &*self.private };
        private.is_not_in(&(ended.out.clone() + &ended.err), &args.join(" "));
        ended
    }

    /// Returns the letters that `list` shows with these filters.
    pub async fn lists(&self, filters: &[&str]) -> Vec<Value> {
        let ended = self.runs(&[&["dlq", "list", "--json"], filters].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Returns the audit so far.
    pub fn audit(&self) -> Vec<Value> {
        let lines = std::fs::read_to_string(&self.audit).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the outcomes in it, and asserts that each change began before it ended.
    pub fn outcomes(&self) -> Vec<String> {
        let mut begun = HashSet::new();
        let mut outcomes = vec![];
        for line in self.audit() {
            let (id, outcome) = (line["id"].clone(), line["outcome"].as_str().unwrap().to_owned());
            if outcome == "begun" {
                begun.insert(id);
            } else {
                assert!(outcome != "done" || begun.contains(&id), "{line}");
                outcomes.push(outcome);
            }
        }
        outcomes
    }
}

pub fn ended(output: std::process::Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Returns a table without its variable cells: ages and ids.
pub fn plain(table: &str) -> String {
    let row = |line: &str| {
        let (row, _id) = line.rsplit_once("  ").unwrap();
        let (_age, row) = row.split_once(' ').unwrap();
        format!("AGE  {}  ID\n", row.trim_start())
    };
    table.lines().enumerate().map(|(n, line)| if n == 0 { format!("{line}\n") } else { row(line) }).collect()
}

/// Asserts that there is a letter of each user from `U0`, because the model refused.
pub fn are_refused(letters: &[Value], users: usize) {
    assert_eq!(letters.len(), users);
    for (user, letter) in letters.iter().enumerate() {
        assert_eq!(letter["conversation"], format!("U{user}"));
        let shown = ["reason", "attempts", "state"].map(|name| letter[name].clone());
        assert_eq!(shown, [json!("model_refused"), json!(1), json!("unanswered")]);
        assert!(letter["failed_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(letter["detail"].as_str().unwrap().contains("400"));
    }
}
