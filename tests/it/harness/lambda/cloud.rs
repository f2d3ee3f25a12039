//! AWS, emulated by ministack: a separate account for each test, with the queues, the table and the parameters of a
//! deployment.

use std::{collections::HashMap, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::{
    config::{Credentials, SharedCredentialsProvider},
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use aws_sdk_ssm::types::ParameterType;
use shared::env::Env;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub const TABLE: &str = "Messages-it";
pub const SECRETS: &str = "/henji/it/";
pub const CHANNEL_SECRET: &str = "a channel secret";
/// The secrets of every account.
pub const VALUES: [(&str, &str); 3] = [
    ("LINE_CHANNEL_SECRET", CHANNEL_SECRET),
    ("LINE_CHANNEL_ACCESS_TOKEN", "an-access-token"),
    ("OPEN_AI_API_KEY", "an-api-key"),
];
const REGION: &str = "ap-northeast-1";
/// The time for which a story waits for an expected event.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub type Row = HashMap<String, AttributeValue>;

pub struct Cloud {
    pub sdk: SdkConfig,
    pub sqs: aws_sdk_sqs::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub queue_url: String,
    pub dlq_url: String,
    endpoint: String,
    account: String,
}

impl Cloud {
    /// Makes a new account with the resources of a deployment.
    pub async fn start() -> Self {
        let account = 100_000_000_000 + Uuid::new_v4().as_u128() % 900_000_000_000;
        let mut cloud = Self::of(&account.to_string());
        (cloud.queue_url, cloud.dlq_url) =
            (queue(&cloud.sqs, "jobs.fifo").await, queue(&cloud.sqs, "letters.fifo").await);
        table(&cloud.dynamodb).await;
        for (name, value) in VALUES {
            cloud.rotates(name, value).await;
        }
        cloud
    }

    /// Opens an account as it is. Each 12-digit access key is a separate account.
    pub fn of(account: &str) -> Self {
        let endpoint = endpoint();
        let credentials = Credentials::new(account, "x", None, None, "it");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        Self {
            sdk,
            sqs,
            dynamodb,
            queue_url: String::new(),
            dlq_url: String::new(),
            endpoint,
            account: account.to_owned(),
        }
    }

    /// Returns the number of the account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Returns the environment variables of a function in this account.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &self.account),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("BASE_SECRET_PATH", SECRETS),
            ("QUEUE_URL", &self.queue_url),
            ("DLQ_URL", &self.dlq_url),
            ("DB_TABLE_NAME_POSTFIX", TABLE.strip_prefix("Messages").unwrap()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Receives up to ten messages with all their attributes.
    pub async fn receive(&self, url: &str, wait: Duration) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let request = request.wait_time_seconds(i32::try_from(wait.as_secs()).unwrap());
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
    }

    /// Counts the messages in a queue, those in flight included.
    pub async fn depth(&self, url: &str) -> usize {
        use QueueAttributeName::{
            ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
            ApproximateNumberOfMessagesNotVisible,
        };
        let names = [
            ApproximateNumberOfMessages,
            ApproximateNumberOfMessagesNotVisible,
            ApproximateNumberOfMessagesDelayed,
        ];
        let request =
            self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await.unwrap().attributes.unwrap();
        names.iter().filter_map(|name| attributes.get(name)?.parse::<usize>().ok()).sum()
    }

    /// Waits until no job is left.
    pub async fn is_drained(&self) {
        let until = Instant::now() + PATIENCE;
        while self.depth(&self.queue_url).await > 0 {
            assert!(Instant::now() < until, "jobs are left over");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for a dead letter.
    pub async fn letter(&self) -> Message {
        self.letters(1).await.remove(0)
    }

    /// Waits until there are this number of further dead letters.
    pub async fn letters(&self, expected: usize) -> Vec<Message> {
        let until = Instant::now() + PATIENCE;
        let mut letters = vec![];
        while letters.len() < expected {
            assert!(Instant::now() < until, "only these dead letters came: {letters:?}");
            letters.extend(self.receive(&self.dlq_url, Duration::from_secs(1)).await);
        }
        letters
    }

    /// Replaces a secret, as a rotation does.
    pub async fn rotates(&self, name: &str, value: &str) {
        let put = aws_sdk_ssm::Client::new(&self.sdk).put_parameter().name(format!("{SECRETS}{name}"));
        put.value(value).r#type(ParameterType::SecureString).overwrite(true).send().await.unwrap();
    }

    /// Returns every row of the table.
    pub async fn rows(&self) -> Vec<Row> {
        self.dynamodb.scan().table_name(TABLE).consistent_read(true).send().await.unwrap().items.unwrap()
    }
}

/// Returns the address of ministack.
pub fn endpoint() -> String {
    let env = Env::of_process();
    let endpoint = env.optional("HENJI_TEST_AWS_URL").unwrap();
    endpoint.expect("HENJI_TEST_AWS_URL is not set: run tests/all").to_owned()
}

/// Returns an attribute of a dead letter.
pub fn attribute(letter: &Message, name: &str) -> String {
    letter.message_attributes.as_ref().unwrap()[name].string_value.clone().unwrap()
}

async fn queue(sqs: &aws_sdk_sqs::Client, name: &str) -> String {
    let request = sqs.create_queue().queue_name(name);
    let request = request
        .attributes(QueueAttributeName::FifoQueue, "true")
        .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
        .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId")
        .attributes(QueueAttributeName::VisibilityTimeout, "120");
    request.send().await.unwrap().queue_url.unwrap()
}

async fn table(dynamodb: &aws_sdk_dynamodb::Client) {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let index = GlobalSecondaryIndex::builder()
        .index_name("byLineUserId")
        .key_schema(key("lineUserId", KeyType::Hash))
        .key_schema(key("createdAt", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .unwrap();
    dynamodb
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["id", "lineUserId", "createdAt"].map(attribute).to_vec()))
        .key_schema(key("id", KeyType::Hash))
        .global_secondary_indexes(index)
        .send()
        .await
        .unwrap();
}
