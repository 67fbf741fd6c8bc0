//! What is said before a TLS handshake in protocols in which it begins in the middle.
//!
//! Not those protocols: only the words that lead to the handshake, each answer within limits.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use watchkeeper_config::model::probe::Starttls;

/// The longest line, and the most lines of one answer.
const MOST_LINE: usize = 4_096;
const MOST_LINES: usize = 100;

/// Leads the connection to where the handshake begins.
pub(super) async fn begin(stream: &mut TcpStream, protocol: Starttls) -> Result<(), String> {
    match protocol {
        Starttls::Smtp => {
            numbered(stream, "220").await?;
            say(stream, b"EHLO watchkeeper.invalid\r\n").await?;
            numbered(stream, "250").await?;
            say(stream, b"STARTTLS\r\n").await?;
            numbered(stream, "220").await
        }
        Starttls::Ftp => {
            numbered(stream, "220").await?;
            say(stream, b"AUTH TLS\r\n").await?;
            numbered(stream, "234").await
        }
        Starttls::Imap => {
            until(stream, "* OK").await?;
            say(stream, b"w1 STARTTLS\r\n").await?;
            until(stream, "w1 OK").await
        }
        Starttls::Pop3 => {
            until(stream, "+OK").await?;
            say(stream, b"STLS\r\n").await?;
            until(stream, "+OK").await
        }
        Starttls::Postgres => {
            // PostgreSQL's documentation, "Message Formats", SSLRequest.
            say(stream, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
            let mut answer = [0_u8];
            stream.read_exact(&mut answer).await.map_err(|e| format!("no answer to the request for TLS: {e}"))?;
            match answer {
                [b'S'] => Ok(()),
                [b'N'] => Err("the server offers no TLS".to_owned()),
                _ => Err("the server does not speak PostgreSQL".to_owned()),
            }
        }
    }
}

async fn say(stream: &mut TcpStream, words: &[u8]) -> Result<(), String> {
    stream.write_all(words).await.map_err(|e| format!("the connection broke before TLS: {e}"))
}

/// Reads a line byte by byte: what comes after the last one belongs to the handshake.
async fn line(stream: &mut TcpStream) -> Result<String, String> {
    let mut line = Vec::new();
    loop {
        let byte = stream.read_u8().await.map_err(|e| format!("the connection broke before TLS: {e}"))?;
        match byte {
            b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            byte if line.len() < MOST_LINE => line.push(byte),
            _ => return Err("a line before TLS is longer than 4096 bytes".to_owned()),
        }
    }
}

/// An answer in the manner of SMTP: lines with `250-`, the last with `250 `.
async fn numbered(stream: &mut TcpStream, code: &str) -> Result<(), String> {
    for _ in 0..MOST_LINES {
        let line = line(stream).await?;
        let Some(rest) = line.strip_prefix(code) else { return Err(unwilling(&line)) };
        if !rest.starts_with('-') {
            return Ok(());
        }
    }
    Err("the answer before TLS does not end".to_owned())
}

async fn until(stream: &mut TcpStream, good: &str) -> Result<(), String> {
    for _ in 0..MOST_LINES {
        let line = line(stream).await?;
        if line.starts_with(good) {
            return Ok(());
        }
        // Others are free to say more before they answer; only IMAP's untagged lines do.
        if !line.starts_with('*') {
            return Err(unwilling(&line));
        }
    }
    Err("the answer before TLS does not end".to_owned())
}

fn unwilling(line: &str) -> String {
    format!("the server does not begin TLS: {}", line.chars().take(200).collect::<String>())
}
