//! A TOML document whose keys know their lines, and what is wrong with it.
//!
//! Invariant: a value is shown only once its key is known and it has the kind that the
//! key wants. What stands at any other place may be a secret, and is named by its key.

use std::{collections::BTreeMap, fmt::Display};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

/// How many slips of the pen a suggestion forgives.
const SLIPS: usize = 3;
/// Words in the names of what must be in no configuration.
const SECRET: [&str; 8] =
    ["secret", "password", "passwd", "token", "credential", "accesskey", "privatekey", "apikey"];
/// What is said where one of them stands.
const NO_SECRETS: &str = "credentials do not belong here: name a `profile`, or have them in the \
                          environment";

/// A value, and the line of its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At<T> {
    /// From 1.
    pub(super) line: usize,
    /// What is there.
    pub(super) value: T,
}

/// What is wrong, in the order of the file; what has no line comes last.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// What the file is called.
    file: String,
    /// Line, key, and what is said.
    found: Vec<(usize, String, String)>,
}

impl Problems {
    /// None yet.
    pub(super) fn of(file: impl Into<String>) -> Self {
        Problems { file: file.into(), found: Vec::new() }
    }

    /// Something about a key of the file.
    pub(super) fn at(&mut self, line: usize, key: &str, why: impl Display) {
        let text = format!("{}:{line}: {key}: {why}", self.file);
        self.found.push((line, key.to_owned(), text));
    }

    /// Something about a flag, a variable, or what is nowhere.
    pub(super) fn about(&mut self, what: &str, why: impl Display) {
        self.found.push((usize::MAX, what.to_owned(), format!("{what}: {why}")));
    }

    /// Forgets what is not about one of these tables.
    pub(super) fn keep_those_of(&mut self, tables: &[&str]) {
        self.found.retain(|(_, key, _)| {
            key.split('.').next().is_some_and(|table| tables.contains(&table))
        });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// All, one a line.
    pub(super) fn text(mut self) -> String {
        self.found.sort_by_key(|(line, ..)| *line);
        let lines: Vec<String> = self.found.into_iter().map(|(.., text)| text).collect();
        lines.join("\n")
    }
}

/// A document, and what was asked of it.
pub(super) struct Document<'d> {
    source: &'d str,
    root: Spanned<DeTable<'d>>,
    /// All keys that were asked for, as `table.key`.
    asked: Vec<(&'static str, &'static str)>,
    /// Tables that have any keys that people choose.
    free: Vec<&'static str>,
}

impl<'d> Document<'d> {
    /// Reads it; none: it is no TOML, and `problems` say so.
    pub(super) fn parse(source: &'d str, problems: &mut Problems) -> Option<Self> {
        let (root, errors) = DeTable::parse_recoverable(source);
        let mut said = BTreeMap::new();
        for error in &errors {
            let line = line_of(source, error.span().map_or(source.len(), |span| span.start));
            // What follows on the same line mostly comes of the first. The message alone:
            // the error's whole text shows the line, secrets and all.
            said.entry(line).or_insert_with(|| error.message());
        }
        for (line, message) in said {
            problems.at(line, &key_on(source, line), message);
        }
        errors.is_empty().then(|| Document { source, root, asked: Vec::new(), free: Vec::new() })
    }

    /// Whether anything is in it but these tables.
    pub(super) fn says_more_than(&self, tables: &[&str]) -> bool {
        self.root.get_ref().keys().any(|key| !tables.contains(&&**key.get_ref()))
    }

    /// All keys that were asked for so far; those of free tables as `table.*`.
    #[cfg(test)]
    pub(super) fn keys(&self) -> Vec<String> {
        let keys = self.asked.iter().map(|(table, key)| path(table, key));
        keys.chain(self.free.iter().map(|table| path(table, "*"))).collect()
    }

    fn get(&mut self, table: &'static str, key: &'static str) -> Option<At<&DeValue<'d>>> {
        self.asked.push((table, key));
        let within = self.table(table)?;
        let (name, value) = within.get_key_value(key)?;
        let line = line_of(self.source, name.span().start);
        Some(At { line, value: value.get_ref() })
    }

    /// A table of the top; the top itself is `""`.
    fn table(&self, name: &str) -> Option<&DeTable<'d>> {
        let root = self.root.get_ref();
        if name.is_empty() { Some(root) } else { root.get(name)?.get_ref().as_table() }
    }

    /// What a key holds, if it has the kind that `of` takes.
    fn read<T>(
        &mut self,
        (table, key): (&'static str, &'static str),
        problems: &mut Problems,
        wanted: &str,
        of: impl Fn(&DeValue<'d>) -> Option<T>,
    ) -> Option<At<T>> {
        let found = self.get(table, key)?;
        let value = of(found.value);
        if value.is_none() {
            problems.at(found.line, &path(table, key), wrong_kind(found.value, wanted));
        }
        Some(At { line: found.line, value: value? })
    }

    /// A text.
    pub(super) fn text(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<String>> {
        self.read((table, key), problems, "a text in quotes", |it| it.as_str().map(str::to_owned))
    }

    /// A list of texts, each with its own line.
    pub(super) fn texts(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<Vec<At<String>>>> {
        let source = self.source;
        let all = move |array: &DeArray<'d>| {
            let one = |it: &Spanned<DeValue<'d>>| {
                let value = it.get_ref().as_str()?.to_owned();
                Some(At { line: line_of(source, it.span().start), value })
            };
            array.iter().map(one).collect::<Option<Vec<_>>>()
        };
        let wanted = "a list of texts, such as [\"a\", \"b\"]";
        self.read((table, key), problems, wanted, |it| it.as_array().and_then(all))
    }

    /// Yes or no.
    pub(super) fn flag(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<bool>> {
        self.read((table, key), problems, "true or false", DeValue::as_bool)
    }

    /// A whole number.
    pub(super) fn whole(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<i64>> {
        self.read((table, key), problems, "a whole number", whole)
    }

    /// Any number.
    pub(super) fn number(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<f64>> {
        self.read((table, key), problems, "a number", number)
    }

    /// A time as plans have it: a text such as `10m`, or a number of seconds.
    pub(super) fn time(
        &mut self,
        table: &'static str,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<String>> {
        let text = |it: &DeValue<'d>| match it {
            DeValue::String(text) => Some(text.clone().into_owned()),
            other => number(other).map(|seconds| seconds.to_string()),
        };
        self.read((table, key), problems, "a time such as \"10m\", or seconds as a number", text)
    }

    /// A table of texts by any keys.
    pub(super) fn free_texts(
        &mut self,
        table: &'static str,
        problems: &mut Problems,
    ) -> BTreeMap<String, At<String>> {
        self.free(table, problems, "a text in quotes", |it| it.as_str().map(str::to_owned))
    }

    /// A table of numbers by any keys.
    pub(super) fn free_numbers(
        &mut self,
        table: &'static str,
        problems: &mut Problems,
    ) -> BTreeMap<String, At<f64>> {
        self.free(table, problems, "a number", number)
    }

    fn free<T>(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
        wanted: &str,
        of: impl Fn(&DeValue<'d>) -> Option<T>,
    ) -> BTreeMap<String, At<T>> {
        self.free.push(name);
        let mut all = BTreeMap::new();
        let Some(table) = self.table(name) else { return all };
        let mut tables = vec![(String::new(), table)];
        while let Some((prefix, table)) = tables.pop() {
            for (key, value) in table {
                let line = line_of(self.source, key.span().start);
                // A key with dots, written without quotes, is a table for TOML.
                let key = path(&prefix, key.get_ref());
                match (of(value.get_ref()), value.get_ref().as_table()) {
                    _ if is_secret(&key) => problems.at(line, &path(name, &key), NO_SECRETS),
                    (Some(value), _) => drop(all.insert(key, At { line, value })),
                    (None, Some(table)) => tables.push((key, table)),
                    (None, None) => {
                        let why = wrong_kind(value.get_ref(), wanted);
                        problems.at(line, &path(name, &key), why);
                    }
                }
            }
        }
        all
    }

    /// Says of every key that nobody asked for that it is unknown, and what may be meant.
    pub(super) fn refuse_the_rest(&self, problems: &mut Problems) {
        let mut tables: Vec<&str> = self.asked.iter().map(|(table, _)| *table).collect();
        tables.extend(&self.free);
        tables.retain(|table| !table.is_empty());
        for (key, value) in self.root.get_ref() {
            let line = line_of(self.source, key.span().start);
            let name: &str = key.get_ref();
            if !tables.contains(&name) {
                if !self.has_asked("", name) {
                    problems.at(line, name, self.unknown("", name, &tables));
                }
            } else if let Some(table) = value.get_ref().as_table() {
                if self.free.contains(&name) {
                    continue;
                }
                for key in table.keys().filter(|key| !self.has_asked(name, key.get_ref())) {
                    let line = line_of(self.source, key.span().start);
                    let why = self.unknown(name, key.get_ref(), &[]);
                    problems.at(line, &path(name, key.get_ref()), why);
                }
            } else {
                let wanted = format!("a table, [{name}]");
                problems.at(line, name, wrong_kind(value.get_ref(), &wanted));
            }
        }
    }

    fn has_asked(&self, table: &str, key: &str) -> bool {
        self.asked.contains(&(table, key))
    }

    /// What is said of an unknown key of this table.
    fn unknown(&self, table: &str, key: &str, tables: &[&str]) -> String {
        if is_secret(key) {
            return NO_SECRETS.to_owned();
        }
        if let Some((other, _)) =
            self.asked.iter().find(|(other, it)| *it == key && *other != table)
        {
            let place = if other.is_empty() {
                "at the top, before the first [table]".to_owned()
            } else {
                format!("in [{other}]")
            };
            return format!("no such key here; it belongs {place}");
        }
        let here = self.asked.iter().filter(|(it, _)| *it == table).map(|(_, key)| *key);
        let mut known: Vec<&str> = here.chain(tables.iter().copied()).collect();
        known.dedup();
        let distance = |it: &&&str| strsim::osa_distance(it, key);
        match known.iter().min_by_key(distance) {
            Some(near) if distance(&near) <= SLIPS.min(near.len() / 2) => {
                format!("no such key; did you mean `{near}`?")
            }
            _ => format!("no such key; there are {}", known.join(", ")),
        }
    }
}

/// `table.key`, or the key alone at the top.
pub(super) fn path(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let whole = value.as_integer()?;
    i64::from_str_radix(whole.as_str(), whole.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        other => whole(other).map(|it| it as f64),
    }
}

fn wrong_kind(value: &DeValue<'_>, wanted: &str) -> String {
    let is = match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    if wanted.starts_with(is) {
        return format!("not {wanted}");
    }
    format!("{is}; say {wanted}")
}

/// Whether what has this name is a secret.
fn is_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    SECRET.iter().any(|word| plain.contains(word))
}

fn line_of(source: &str, at: usize) -> usize {
    let before = source.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The key of a line that is no TOML, as far as there is one.
fn key_on(source: &str, line: usize) -> String {
    let text = source.lines().nth(line - 1).unwrap_or_default();
    let key = text.split_once('=').map_or("", |(key, _)| key.trim());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_key = !key.is_empty() && key.chars().all(is_plain);
    if is_key { key.to_owned() } else { "TOML".to_owned() }
}

#[cfg(test)]
mod tests;
