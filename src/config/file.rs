//! Where `loadtop.toml` is found.
//!
//! Invariant: one file is read, or none; files are not laid over each other. A file that
//! was named must be there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Lookup;
use crate::usage::Usage;

/// What it is called where it is looked for.
pub(super) const NAME: &str = "loadtop.toml";
/// The variable that names another one.
const VARIABLE: &str = "LOADTOP_CONFIG";

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is, as far as was said.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl File {
    /// The file that `--config` names, else `LOADTOP_CONFIG`, else `loadtop.toml` here, else
    /// the one in the person's configuration folder.
    pub fn find(named: Option<&Path>, lookup: Lookup<'_>) -> Result<Option<Self>, Usage> {
        let variable = lookup(VARIABLE).filter(|it| !it.is_empty()).map(PathBuf::from);
        let by_variable = variable.as_deref().map(|path| (VARIABLE, path));
        if let Some((by, path)) = named.map(|path| ("--config", path)).or(by_variable) {
            return Self::named(by, path).map(Some);
        }
        let places = std::iter::once(PathBuf::from(NAME)).chain(of_the_person(lookup));
        for path in places {
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(Some(File { path, text })),
                Err(error) if is_nothing(&error) => {}
                Err(error) => return Err(unreadable(&path.display().to_string(), &error)),
            }
        }
        Ok(None)
    }

    fn named(by: &str, path: &Path) -> Result<Self, Usage> {
        let what = format!("{by} {}", path.display());
        match fs::read_to_string(path) {
            Ok(text) => Ok(File { path: path.to_path_buf(), text }),
            Err(error) if is_nothing(&error) => Err(Usage(format!(
                "{what}: there is no such file; `loadtop init --config {}` writes one",
                path.display()
            ))),
            Err(error) => Err(unreadable(&what, &error)),
        }
    }
}

/// `$XDG_CONFIG_HOME/loadtop/loadtop.toml`, by default below `~/.config`.
fn of_the_person(lookup: Lookup<'_>) -> Option<PathBuf> {
    // The base directory specification says to ignore relative paths.
    let folder = |name| lookup(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".config"));
    folder("XDG_CONFIG_HOME").or_else(home).map(|it| it.join("loadtop").join(NAME))
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(what: &str, error: &io::Error) -> Usage {
    match error.kind() {
        io::ErrorKind::InvalidData => Usage(format!("{what}: is not text in UTF-8")),
        _ => Usage(format!("{what}: cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(named: Option<&Path>, variables: &[(&str, &Path)]) -> Result<Option<PathBuf>, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, path)| path.display().to_string())
        };
        let found = File::find(named, &lookup).map_err(|Usage(why)| why)?;
        Ok(found.map(|it| it.path))
    }

    #[test]
    fn what_is_named_comes_before_what_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for place in ["xdg/loadtop", "home/.config/loadtop"] {
            fs::create_dir_all(path(place)).expect("made");
            fs::write(path(place).join(NAME), "").expect("written");
        }
        for name in ["flag", "variable"] {
            fs::write(path(name), "").expect("written");
        }
        let (flag, variable) = (path("flag"), path("variable"));
        let (xdg, home) = (path("xdg"), path("home"));
        let in_xdg = xdg.join("loadtop").join(NAME);
        let in_home = home.join(".config/loadtop").join(NAME);
        let all = [(VARIABLE, &*variable), ("XDG_CONFIG_HOME", &*xdg), ("HOME", &*home)];
        assert_eq!(find(Some(&flag), &all), Ok(Some(flag.clone())));
        assert_eq!(find(None, &all), Ok(Some(variable.clone())));
        assert_eq!(find(None, &all[1..]), Ok(Some(in_xdg)));
        assert_eq!(find(None, &all[2..]), Ok(Some(in_home.clone())));
        let relative = [("XDG_CONFIG_HOME", Path::new("xdg")), ("HOME", &*home)];
        assert_eq!(find(None, &relative), Ok(Some(in_home)));
        assert_eq!(find(None, &[("HOME", &flag)]), Ok(None));
        assert_eq!(find(None, &[]), Ok(None));
    }

    #[test]
    fn what_is_named_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing.toml");
        let why = find(Some(&missing), &[]).expect_err("missing");
        assert!(why.starts_with("--config ") && why.contains("loadtop init --config"), "{why}");
        let why = find(None, &[(VARIABLE, &missing)]).expect_err("missing");
        assert!(why.starts_with("LOADTOP_CONFIG "), "{why}");
        let why = find(Some(folder.path()), &[]).expect_err("a folder");
        assert!(why.contains("cannot be read"), "{why}");
        fs::write(&missing, [0xff, 0xfe]).expect("written");
        let why = find(Some(&missing), &[]).expect_err("no text");
        assert!(why.contains("not text in UTF-8"), "{why}");
    }
}
