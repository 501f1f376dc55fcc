//! What rows must have in them to be shown: words, all of which must be there, each
//! anywhere in the row or in the field that it names: `state:failed i-0a`.
//!
//! Invariant: capitals make no difference, and what names no field of the list is plain
//! text, so that nothing that can be typed is an error.

use std::borrow::Cow;

use crate::{
    app::view::View,
    controller::snapshot::{InstanceView, Level, Notice, TaskRow},
};

/// The fields that a filter can name, by view.
pub const FIELDS: [(View, &[&str]); 3] = [
    (View::Instances, InstanceView::FIELDS),
    (View::Tasks, TaskRow::FIELDS),
    (View::Notices, Notice::FIELDS),
];

/// Something that can be filtered.
pub(super) trait Filtered {
    /// The names of its fields.
    const FIELDS: &'static [&'static str];

    /// What it has in a field.
    fn text(&self, field: usize) -> Option<Cow<'_, str>>;

    /// Whether a field is as `text` says, which is in small letters.
    fn is(&self, field: usize, text: &str) -> bool {
        self.text(field).is_some_and(|it| contains(&it, text))
    }
}

/// A filter that was understood.
pub(super) struct Filter(Vec<Term>);

struct Term {
    field: Option<usize>,
    text: String,
}

impl Filter {
    /// Understands `text` for rows of this kind.
    pub(super) fn of<T: Filtered>(text: &str) -> Self {
        let term = |word: &str| {
            let word = word.to_lowercase();
            let named = word.split_once(':').and_then(|(name, rest)| {
                let field = T::FIELDS.iter().position(|field| *field == name)?;
                Some(Term { field: Some(field), text: rest.to_owned() })
            });
            named.unwrap_or(Term { field: None, text: word })
        };
        // While a value is still to be typed, everything has it.
        Self(text.split_whitespace().map(term).filter(|term| !term.text.is_empty()).collect())
    }

    /// Whether a row is shown.
    pub(super) fn shows<T: Filtered>(&self, row: &T) -> bool {
        self.0.iter().all(|term| match term.field {
            Some(field) => row.is(field, &term.text),
            None => (0..T::FIELDS.len())
                .any(|field| row.text(field).is_some_and(|it| contains(&it, &term.text))),
        })
    }
}

/// Whether `text` has `part` in it, which is in small letters and not empty.
fn contains(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else { return true };
    text.windows(part.len())
        .any(|it| it[0].to_ascii_lowercase() == *first && it.eq_ignore_ascii_case(part))
}

impl Filtered for TaskRow {
    const FIELDS: &'static [&'static str] = &["state", "task", "instance", "reason", "exit", "id"];

    fn text(&self, field: usize) -> Option<Cow<'_, str>> {
        match field {
            0 => Some(self.state.as_str().into()),
            1 => Some(self.name.as_str().into()),
            2 => self.instance.as_deref().map(Into::into),
            3 => self.reason.as_deref().map(Into::into),
            4 => self.exit_code.map(|code| code.to_string().into()),
            _ => self.id.as_deref().map(Into::into),
        }
    }

    fn is(&self, field: usize, text: &str) -> bool {
        match field {
            // 1 is not 137.
            4 => self.exit_code.is_some_and(|code| code.to_string() == text),
            _ => self.text(field).is_some_and(|it| contains(&it, text)),
        }
    }
}

impl Filtered for InstanceView {
    const FIELDS: &'static [&'static str] = &["state", "instance", "type", "zone"];

    fn text(&self, field: usize) -> Option<Cow<'_, str>> {
        match field {
            0 => Some(self.state.as_str().into()),
            1 => Some(self.id.as_str().into()),
            2 => self.kind.as_deref().map(Into::into),
            _ => self.zone.as_deref().map(Into::into),
        }
    }
}

impl Filtered for Notice {
    const FIELDS: &'static [&'static str] = &["level", "text"];

    fn text(&self, field: usize) -> Option<Cow<'_, str>> {
        match field {
            0 => Some(self.level.as_str().into()),
            _ => Some(self.text.as_str().into()),
        }
    }

    /// Of this level, or graver.
    fn is(&self, field: usize, text: &str) -> bool {
        if field > 0 {
            return contains(&self.text, text);
        }
        Level::ALL
            .iter()
            .find(|level| level.as_str().starts_with(text))
            .is_some_and(|least| self.level >= *least)
    }
}
