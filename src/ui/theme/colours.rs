//! The colours of the themes that have their own.
//!
//! Invariant: text of every role can be read on its theme's background, also among 256
//! colours, and what must be told apart can be; the tests measure both.

use super::{Role, depth::Rgb};
use crate::app::look::ThemeName;

/// The colours of a theme.
#[derive(Debug)]
pub(super) struct Colours {
    pub(super) background: Rgb,
    text: Rgb,
    dim: Rgb,
    accent: Rgb,
    ok: Rgb,
    warn: Rgb,
    error: Rgb,
    p50: Rgb,
    p90: Rgb,
    p99: Rgb,
}

const DARK: Colours = Colours {
    background: Rgb(0x16, 0x18, 0x1d),
    text: Rgb(0xd7, 0xda, 0xe0),
    dim: Rgb(0x98, 0x9e, 0xaa),
    accent: Rgb(0x5f, 0xc8, 0xe8),
    ok: Rgb(0x8f, 0xd6, 0x7a),
    warn: Rgb(0xf0, 0xc7, 0x5e),
    error: Rgb(0xff, 0x7b, 0x72),
    p50: Rgb(0x8f, 0xd6, 0x7a),
    p90: Rgb(0x7a, 0xa8, 0xff),
    p99: Rgb(0xe0, 0x8c, 0xf0),
};

const LIGHT: Colours = Colours {
    background: Rgb(0xfa, 0xfa, 0xfa),
    text: Rgb(0x24, 0x29, 0x2f),
    dim: Rgb(0x5b, 0x61, 0x6a),
    accent: Rgb(0x00, 0x5f, 0x78),
    ok: Rgb(0x1a, 0x66, 0x2a),
    warn: Rgb(0x7a, 0x4c, 0x00),
    error: Rgb(0xb0, 0x10, 0x18),
    p50: Rgb(0x1a, 0x66, 0x2a),
    p90: Rgb(0x14, 0x50, 0xb8),
    p99: Rgb(0x8a, 0x22, 0x90),
};

const HIGH_CONTRAST: Colours = Colours {
    background: Rgb(0x00, 0x00, 0x00),
    text: Rgb(0xff, 0xff, 0xff),
    dim: Rgb(0xc8, 0xc8, 0xc8),
    accent: Rgb(0x00, 0xff, 0xff),
    ok: Rgb(0x00, 0xff, 0x5f),
    warn: Rgb(0xff, 0xff, 0x00),
    error: Rgb(0xff, 0x87, 0x87),
    p50: Rgb(0x00, 0xff, 0x5f),
    p90: Rgb(0x9e, 0xcb, 0xff),
    p99: Rgb(0xff, 0x9e, 0xff),
};

/// After Okabe and Ito, a little lighter, for a dark background.
const COLOUR_BLIND: Colours = Colours {
    background: Rgb(0x10, 0x14, 0x18),
    text: Rgb(0xe6, 0xe6, 0xe6),
    dim: Rgb(0xa0, 0xa6, 0xad),
    accent: Rgb(0x56, 0xb4, 0xe9),
    ok: Rgb(0x56, 0xb4, 0xe9),
    warn: Rgb(0xf0, 0xe4, 0x42),
    error: Rgb(0xe8, 0x70, 0x2a),
    p50: Rgb(0x56, 0xb4, 0xe9),
    p90: Rgb(0xf0, 0xe4, 0x42),
    p99: Rgb(0xe8, 0x70, 0x2a),
};

/// The colours of a theme that has its own.
pub(super) fn of(theme: ThemeName) -> Option<&'static Colours> {
    match theme {
        ThemeName::Sixteen | ThemeName::None => None,
        ThemeName::Dark => Some(&DARK),
        ThemeName::Light => Some(&LIGHT),
        ThemeName::HighContrast => Some(&HIGH_CONTRAST),
        ThemeName::ColourBlind => Some(&COLOUR_BLIND),
    }
}

impl Colours {
    /// What a role is written in. What is in focus is written in the background's colour,
    /// on that of the accent.
    pub(super) fn of(&self, role: Role) -> Rgb {
        match role {
            Role::Text | Role::Strong => self.text,
            Role::Dim | Role::Max | Role::Planned => self.dim,
            Role::Accent | Role::Focus | Role::Connected => self.accent,
            Role::Ok => self.ok,
            Role::Warn => self.warn,
            Role::Error => self.error,
            Role::P50 => self.p50,
            Role::P90 => self.p90,
            Role::P99 => self.p99,
        }
    }
}
