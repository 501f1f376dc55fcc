//! Writing XML: elements in elements, and text that is escaped.

use std::fmt::Display;

use quick_xml::escape::escape;

/// A document that is being written.
#[derive(Debug)]
pub(super) struct Xml {
    text: String,
}

impl Xml {
    pub(super) fn new() -> Self {
        Xml { text: String::from(r#"<?xml version="1.0" encoding="UTF-8"?>"#) }
    }

    /// An element that has others in it. `name` may be followed by attributes.
    pub(super) fn element(&mut self, name: &str, inside: impl FnOnce(&mut Xml)) -> &mut Self {
        let tag = name.split(' ').next().unwrap_or(name);
        self.text.extend(["<", name, ">"]);
        inside(self);
        self.text.extend(["</", tag, ">"]);
        self
    }

    /// An element with text in it.
    pub(super) fn field(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.element(name, |xml| xml.text.push_str(&escape(value.as_str())))
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
