//! The address of the system under test: `tcp://host:port`.
//!
//! Invariant: a [`Target`] names a scheme that devices speak, a host and a port.
//! It never holds a user or a password: those would end up in logs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What devices connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    /// What is spoken.
    pub scheme: Scheme,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// The protocols that devices speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Lines over plain TCP.
    Tcp,
}

/// Schemes that will come; refused by name until they do.
const RESERVED: [&str; 7] = ["tls", "mqtt", "mqtts", "ws", "wss", "http", "https"];

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Nothing before `://`.
    #[error("`{0}` is not a target: write tcp://HOST:PORT, for example tcp://127.0.0.1:7000")]
    NoScheme(String),
    /// A scheme that is planned.
    #[error("`{0}://` targets do not work yet; so far devices speak tcp://HOST:PORT")]
    Reserved(String),
    /// A scheme that nobody planned.
    #[error("`{0}://` is not a scheme that devices speak; write tcp://HOST:PORT")]
    Unknown(String),
    /// User and password before the host.
    #[error("a target takes no user or password: write tcp://HOST:PORT")]
    Credentials,
    /// No host before the port.
    #[error("`{0}` names no host: write tcp://HOST:PORT")]
    NoHost(String),
    /// No port, or one outside of 1 to 65535.
    #[error("`{0}` names no port from 1 to 65535: write tcp://HOST:PORT")]
    NoPort(String),
    /// Something behind the port.
    #[error("`{0}` has a path behind its port, and tcp has no paths: write tcp://HOST:PORT")]
    Path(String),
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let text = text.trim();
        // Before anything else: all other refusals repeat what was said.
        if text.contains('@') {
            return Err(BadTarget::Credentials);
        }
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| BadTarget::NoScheme(text.to_owned()))?;
        if RESERVED.contains(&scheme) {
            return Err(BadTarget::Reserved(scheme.to_owned()));
        }
        if scheme != "tcp" {
            return Err(BadTarget::Unknown(scheme.to_owned()));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(BadTarget::Path(text.to_owned()));
        }
        let (host, port) =
            rest.rsplit_once(':').ok_or_else(|| BadTarget::NoPort(text.to_owned()))?;
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.strip_suffix(']').unwrap_or(""),
            // More colons belong to an IPv6 address, which needs brackets.
            None if host.contains(':') => "",
            None => host,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(BadTarget::NoHost(text.to_owned()));
        }
        match port.parse() {
            Ok(port @ 1..) => Ok(Target { scheme: Scheme::Tcp, host: host.to_owned(), port }),
            _ => Err(BadTarget::NoPort(text.to_owned())),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scheme::Tcp = self.scheme;
        if self.host.contains(':') {
            write!(f, "tcp://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "tcp://{}:{}", self.host, self.port)
        }
    }
}

impl TryFrom<String> for Target {
    type Error = BadTarget;

    fn try_from(text: String) -> Result<Self, BadTarget> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        for text in ["tcp://127.0.0.1:7000", "tcp://example.org:1", "tcp://[::1]:65535"] {
            assert_eq!(text.parse::<Target>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use BadTarget as Bad;
        let bad = |text: &str| text.parse::<Target>().expect_err(text);
        assert!(matches!(bad("status"), Bad::NoScheme(_)));
        assert!(matches!(bad("localhost:80"), Bad::NoScheme(_)));
        assert!(matches!(bad("mqtt://a:1"), Bad::Reserved(_)));
        assert!(matches!(bad("gopher://a:1"), Bad::Unknown(_)));
        assert!(matches!(bad("tcp://u:p@a:1"), Bad::Credentials));
        assert!(matches!(bad("tcp://:1"), Bad::NoHost(_)));
        assert!(matches!(bad("tcp://::1:5"), Bad::NoHost(_)));
        assert!(matches!(bad("tcp://a"), Bad::NoPort(_)));
        assert!(matches!(bad("tcp://a:0"), Bad::NoPort(_)));
        assert!(matches!(bad("tcp://a:65536"), Bad::NoPort(_)));
        assert!(matches!(bad("tcp://a:1/x"), Bad::Path(_)));
        assert!(!bad("tcp://u:secret@a:1").to_string().contains("secret"));
    }
}
