//! Only what was signed with this start's key is answered.

use super::sdk::ecs::error::ProvideErrorMetadata;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Site, sdk};
use crate::cloud::Endpoint;

#[tokio::test]
async fn a_wrong_key_is_refused_in_every_protocol() {
    let site = Site::start().await;
    let right = site.local.endpoint();
    let wrong_secret = Endpoint { secret_key: "guessed".to_owned(), ..right.clone() };
    let wrong_key = Endpoint { access_key: "AKIAGUESSED".to_owned(), ..right.clone() };
    let wrong_region = Endpoint { region: "eu-central-1".to_owned(), ..right };
    let expected = [
        (
            wrong_secret,
            [
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
            ],
        ),
        (
            wrong_key,
            [
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                "InvalidAccessKeyId",
            ],
        ),
        (
            wrong_region,
            [
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
            ],
        ),
    ];
    for (endpoint, codes) in expected {
        let config = sdk::config(&endpoint);
        let ecs = sdk::ecs::Client::new(&config).list_clusters().send().await;
        let autoscaling = sdk::autoscaling::Client::new(&config);
        let autoscaling = autoscaling.describe_auto_scaling_groups().send().await;
        let cloudwatch = sdk::cloudwatch::Client::new(&config);
        let cloudwatch = cloudwatch.put_metric_data().namespace("n").send().await;
        let s3 = sdk::s3_client(&config).get_object().bucket("loadtop").key("k").send().await;
        let refused = [
            ecs.expect_err("refused").code().map(str::to_owned),
            autoscaling.expect_err("refused").code().map(str::to_owned),
            cloudwatch.expect_err("refused").code().map(str::to_owned),
            s3.expect_err("refused").code().map(str::to_owned),
        ];
        assert_eq!(refused, codes.map(|code| Some(code.to_owned())));
    }
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_request_without_a_signature_gets_nothing_but_that() {
    let site = Site::start().await;
    let address = site.local.endpoint().url;
    let address = address.strip_prefix("http://").expect("plain");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request =
        format!("GET /loadtop/wish.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("<Code>AccessDenied</Code>"), "{answer}");
    let headers = answer.to_ascii_lowercase();
    assert!(
        headers.contains("\r\ndate: ") && headers.contains("\r\nx-amz-request-id: "),
        "{answer}"
    );
    site.local.shutdown().await;
}
