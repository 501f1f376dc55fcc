//! What can go wrong with a connection or a request, as one short word each.
//!
//! Invariant: the words are a contract. They are CloudWatch dimensions, keys of
//! the summary's `by_kind` and of the agents' reports; they are never renamed.

use std::{fmt, io};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Why a connection or a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// Nothing listens there.
    Refused,
    /// No way to the host or its network.
    Unreachable,
    /// The name has no address.
    Resolve,
    /// This machine, not the target: no file descriptor was left.
    Files,
    /// This machine, not the target: no local port was left.
    Ports,
    /// The connection broke.
    Reset,
    /// The target closed the connection.
    Closed,
    /// No answer in time.
    Timeout,
    /// No connection in time.
    ConnectTimeout,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [ErrorKind; 10] = [
        ErrorKind::Refused,
        ErrorKind::Unreachable,
        ErrorKind::Resolve,
        ErrorKind::Files,
        ErrorKind::Ports,
        ErrorKind::Reset,
        ErrorKind::Closed,
        ErrorKind::Timeout,
        ErrorKind::ConnectTimeout,
        ErrorKind::Other,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Refused => "refused",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Resolve => "resolve",
            ErrorKind::Files => "files",
            ErrorKind::Ports => "ports",
            ErrorKind::Reset => "reset",
            ErrorKind::Closed => "closed",
            ErrorKind::Timeout => "timeout",
            ErrorKind::ConnectTimeout => "connect-timeout",
            ErrorKind::Other => "other",
        }
    }

    /// The kind of a failure of the operating system's. A time-out counts as one
    /// of an answer; whoever was connecting knows better.
    #[must_use]
    pub fn from_io(error: &io::Error) -> Self {
        // Descriptors have no `io::ErrorKind` of their own.
        if let Some(Errno::MFILE | Errno::NFILE) = Errno::from_io_error(error) {
            return ErrorKind::Files;
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorKind::Refused,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => ErrorKind::Unreachable,
            io::ErrorKind::AddrNotAvailable => ErrorKind::Ports,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => ErrorKind::Reset,
            io::ErrorKind::UnexpectedEof => ErrorKind::Closed,
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_as_its_word() {
        for kind in ErrorKind::ALL {
            let json = serde_json::to_string(&kind).expect("a word");
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<ErrorKind>(&json).expect("its word"), kind);
        }
    }

    #[test]
    fn the_systems_errors_find_their_kind() {
        let kind = |errno: Errno| ErrorKind::from_io(&errno.into());
        assert_eq!(kind(Errno::CONNREFUSED), ErrorKind::Refused);
        assert_eq!(kind(Errno::HOSTUNREACH), ErrorKind::Unreachable);
        assert_eq!(kind(Errno::NETUNREACH), ErrorKind::Unreachable);
        assert_eq!(kind(Errno::MFILE), ErrorKind::Files);
        assert_eq!(kind(Errno::NFILE), ErrorKind::Files);
        assert_eq!(kind(Errno::ADDRNOTAVAIL), ErrorKind::Ports);
        assert_eq!(kind(Errno::CONNRESET), ErrorKind::Reset);
        assert_eq!(kind(Errno::PIPE), ErrorKind::Reset);
        assert_eq!(kind(Errno::TIMEDOUT), ErrorKind::Timeout);
        assert_eq!(kind(Errno::PERM), ErrorKind::Other);
    }
}
