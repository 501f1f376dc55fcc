//! How the dashboard looks and which keys it has: `[ui]` and `[keys]`.
//!
//! Invariant: both are read wherever runs are made, also on a local cloud of one's own,
//! and say nothing about where that is. A flag comes before `LOADTOP_THEME`, that before
//! `NO_COLOR`, and that before the file.

use std::collections::BTreeMap;

use super::{
    File, Lookup,
    document::{Document, Problems},
    raw::{self, Raw},
};
use crate::{
    app::{
        keymap::{Key, Keymap, ROWS},
        look::{Look, ThemeName},
    },
    cli::{Looks, Where},
    usage::Usage,
};

/// The variable that names the theme.
const VARIABLE: &str = "LOADTOP_THEME";
/// The tables of the file that are about the screen, not about a place.
pub(super) const TABLES: [&str; 2] = ["ui", "keys"];

/// How the dashboard looks and which keys it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    /// Theme and glyphs.
    pub look: Look,
    /// The keys as they were chosen.
    pub keymap: Keymap,
}

/// What the file says of it.
#[derive(Debug, Default)]
pub(super) struct ByFile {
    theme: Option<ThemeName>,
    ascii: bool,
    keymap: Keymap,
}

impl Screen {
    /// What flags, environment and file say. With `--local` nothing else of the file is
    /// looked at, so that nothing else of it need be right.
    pub fn find(place: &Where, looks: &Looks, lookup: Lookup<'_>) -> Result<Self, Usage> {
        let by_file = match File::find(place.config.as_deref(), lookup)? {
            Some(file) => read(&file, place.local)?,
            None => ByFile::default(),
        };
        let set = |name| lookup(name).filter(|it| !it.is_empty());
        let by_variable = set(VARIABLE).map(|text| {
            text.parse().map_err(|why: String| Usage(format!("{VARIABLE}={text}: {why}")))
        });
        let no_colour = || set("NO_COLOR").map(|_| ThemeName::None);
        let theme = looks.theme.or(by_variable.transpose()?).or_else(no_colour);
        let look = Look {
            theme: theme.or(by_file.theme).unwrap_or_default(),
            ascii: looks.ascii || by_file.ascii,
        };
        Ok(Screen { look, keymap: by_file.keymap })
    }
}

fn read(file: &File, is_local: bool) -> Result<ByFile, Usage> {
    let mut problems = Problems::of(file.path.display().to_string());
    let Some(mut document) = Document::parse(&file.text, &mut problems) else {
        return Err(Usage(problems.text()));
    };
    let raw = Raw::read(&mut document, &mut problems);
    if is_local {
        problems.keep_those_of(&TABLES);
    }
    let by_file = checked(&raw, &mut problems);
    if problems.count() > 0 { Err(Usage(problems.text())) } else { Ok(by_file) }
}

/// What a file says of the screen; what is wrong with it is said in `problems`.
pub(super) fn checked(raw: &Raw, problems: &mut Problems) -> ByFile {
    let theme = raw.ui.theme.as_ref().and_then(|at| {
        let wrong = |why: String| problems.at(at.line, "ui.theme", why);
        at.value.parse().map_err(wrong).ok()
    });
    let ascii = raw.ui.ascii.as_ref().is_some_and(|at| at.value);
    ByFile { theme, ascii, keymap: keymap(&raw.keys, problems) }
}

fn keymap(raw: &[raw::Keys], problems: &mut Problems) -> Keymap {
    let before = problems.count();
    let mut chosen = BTreeMap::new();
    for (name, at) in raw {
        let mut keys = Vec::new();
        for text in &at.value {
            match text.value.parse::<Key>() {
                Ok(key) => keys.push(key),
                Err(why) => problems.at(text.line, &format!("keys.{name}"), why),
            }
        }
        chosen.insert(*name, keys);
    }
    if problems.count() > before {
        return Keymap::default();
    }
    Keymap::chosen(chosen).unwrap_or_else(|clashes| {
        for clash in clashes {
            let line = raw.iter().find(|(name, _)| *name == clash.name).map_or(1, |it| it.1.line);
            problems.at(line, &format!("keys.{}", clash.name), clash.why);
        }
        Keymap::default()
    })
}

/// The names of all rows, each a key of `[keys]`.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::action::Action;

    /// What is found with this file, these flags and variables.
    fn find(text: &str, line: &str, variables: &[(&str, &str)]) -> Result<Screen, String> {
        use clap::Parser as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loadtop.toml");
        std::fs::write(&path, text).expect("written");
        let words = ["loadtop"].into_iter().chain(line.split_whitespace());
        let mut arguments = crate::cli::Cli::try_parse_from(words).expect("parses").dashboard;
        arguments.place.config = Some(path.clone());
        let lookup = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Screen::find(&arguments.place, &arguments.looks, &lookup)
            .map_err(|Usage(why)| why.replace(&path.display().to_string(), "f"))
    }

    #[test]
    fn a_flag_comes_before_the_environment_and_that_before_the_file() {
        let file = "[ui]\ntheme = 'dark'";
        let (named, plain) = (("LOADTOP_THEME", "light"), ("NO_COLOR", "1"));
        for (line, variables, theme) in [
            ("", &[][..], ThemeName::Dark),
            ("", &[plain], ThemeName::None),
            ("", &[("NO_COLOR", "")], ThemeName::Dark),
            ("", &[plain, named], ThemeName::Light),
            ("--theme high-contrast", &[plain, named], ThemeName::HighContrast),
        ] {
            let found = find(file, line, variables).expect("fine");
            assert_eq!(found.look, Look { theme, ascii: false }, "{line} {variables:?}");
        }
        assert_eq!(find("", "", &[]), Ok(Screen::default()));
        assert!(find("[ui]\nascii = true", "", &[]).is_ok_and(|it| it.look.ascii));
        assert!(find("", "--ascii", &[]).is_ok_and(|it| it.look.ascii));
        let wrong = find("", "", &[("LOADTOP_THEME", "blue")]).expect_err("no such theme");
        assert!(wrong.starts_with("LOADTOP_THEME=blue: say sixteen, dark"), "{wrong}");
    }

    #[test]
    fn keys_are_chosen() {
        let found = find("[keys]\nadd = ['F2']\nremove = ['+', 'Ctrl-R']", "", &[]);
        let keymap = found.expect("fine").keymap;
        assert_eq!(keymap.key_for(&Action::AddBatch), "F2");
        assert_eq!(keymap.key_for(&Action::RemoveBatch), "+");
    }

    #[test]
    fn on_a_local_cloud_only_this_part_of_the_file_must_be_right() {
        let wrong = "clustr = 'x'\n[ui]\ntheme = 'dark'\n";
        assert!(find(wrong, "", &[]).is_err_and(|why| why.starts_with("f:1: clustr: no such key")));
        let mut place = Where { local: true, ..Where::default() };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loadtop.toml");
        place.config = Some(path.clone());
        let local = |text: &str| {
            std::fs::write(&path, text).expect("written");
            Screen::find(&place, &Looks::default(), &|_| None).map_err(|Usage(why)| why)
        };
        assert!(local(wrong).is_ok_and(|it| it.look.theme == ThemeName::Dark));
        assert!(local("[keys]\nadd = ['-']").is_err_and(|why| why.contains(":2: keys.add: - is")));
        assert!(local("[ui]\nthem = 'dark'").is_err_and(|why| why.contains("`theme`?")));
    }
}
