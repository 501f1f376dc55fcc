//! The target over real sockets.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::*;

async fn target(latency: Duration) -> Target {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let options = Options { listen, latency, json: false, lifeline: false };
    Target::bind(options).await.expect("a free port")
}

#[tokio::test]
async fn lines_come_back_and_are_counted() {
    let target = target(Duration::ZERO).await;
    let mut client = TcpStream::connect(target.addr()).await.expect("accepted");
    client.write_all(b"one\ntw").await.expect("sent");
    let mut answer = [0; 8];
    client.read_exact(&mut answer[..4]).await.expect("a line");
    // Half a line has no answer before its other half.
    client.write_all(b"o\n").await.expect("sent");
    client.read_exact(&mut answer[4..]).await.expect("a line");
    assert_eq!(&answer, b"one\ntwo\n");
    assert_eq!(target.counts(), Counts { connections: 1, peak: 1, lines: 2, bytes: 8 });
    drop(client);
    while target.open() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn latency_holds_each_answer_and_not_the_next_line() {
    let latency = Duration::from_millis(60);
    let target = target(latency).await;
    let mut client = TcpStream::connect(target.addr()).await.expect("accepted");
    let began = Instant::now();
    for _ in 0..10 {
        client.write_all(b"line\n").await.expect("sent");
    }
    // Also for a client that has said all that it has to say.
    client.shutdown().await.expect("half closed");
    let mut answers = Vec::new();
    client.read_to_end(&mut answers).await.expect("answers");
    assert_eq!(answers, b"line\n".repeat(10));
    assert!(began.elapsed() >= latency && began.elapsed() < latency * 8, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_endless_line_comes_back_in_pieces() {
    let target = target(Duration::ZERO).await;
    let client = TcpStream::connect(target.addr()).await.expect("accepted");
    let (mut from, mut to) = client.into_split();
    let sending = tokio::spawn(async move {
        for _ in 0..256 {
            to.write_all(&[b'x'; 4096]).await.expect("taken");
        }
        to
    });
    let mut received = 0;
    let mut buffer = vec![0; 1 << 16];
    // All but what may be held back for the line's end.
    while received < (1 << 20) - 2 * (64 << 10) {
        received += from.read(&mut buffer).await.expect("pieces");
    }
    let _to = sending.await.expect("sent");
    assert_eq!(target.counts().lines, 0);
}

#[tokio::test]
async fn dropping_it_closes_everything() {
    let target = target(Duration::ZERO).await;
    let mut client = TcpStream::connect(target.addr()).await.expect("accepted");
    client.write_all(b"a\n").await.expect("sent");
    client.read_exact(&mut [0; 2]).await.expect("served");
    let addr = target.addr();
    drop(target);
    assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
