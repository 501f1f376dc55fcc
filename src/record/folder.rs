//! The folder of a run: `$XDG_STATE_HOME/loadtop/runs/RUN/`.
//!
//! Invariant: a file in it is whole or not there (written beside, then renamed).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// Where loadtop keeps its state: `$XDG_STATE_HOME/loadtop`, by default
/// `~/.local/state/loadtop`.
#[must_use]
pub fn state_dir() -> PathBuf {
    // The base directory specification says to ignore relative paths.
    let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    let home = || env::home_dir().map(|home| home.join(".local/state"));
    named.or_else(home).unwrap_or_else(env::temp_dir).join("loadtop")
}

/// One run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder of this run below `runs`; it is made if need be.
    pub fn create(runs: &Path, run: &str) -> io::Result<Self> {
        let path = runs.join(run);
        fs::create_dir_all(&path)?;
        Ok(RunFolder { path })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `value` as JSON for people and programs.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// Writes a file whole.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}.new"));
        fs::write(&beside, bytes)?;
        fs::rename(&beside, self.path.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let runs = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(runs.path(), "r1").expect("made");
        folder.write_json("run.json", &[1, 2, 3]).expect("written");
        folder.write_json("run.json", &[4]).expect("written again");
        let text = fs::read_to_string(folder.path().join("run.json")).expect("there");
        assert_eq!(text, "[\n  4\n]\n");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    }
}
