//! The keys: a key, its action, its words, its danger and its place are one row.
//!
//! Invariant: [`ROWS`] is the only place that knows a key. The footer, the help, the
//! palette, the README's table and read-only mode are made from it, and from what
//! `loadtop.toml` changes of it: a [`Keymap`], in which no key has two meanings.

mod changed;
mod key;
mod place;
mod rows;

pub use self::{
    changed::{Clash, Keymap},
    key::{Key, KeyCode},
    place::{Group, Place},
    rows::ROWS,
};
use super::{
    action::Action,
    state::{App, Mode, Setting},
    view::View,
};
use crate::model::Millis;

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// What it is called in the palette and in `[keys]`.
    pub name: &'static str,
    /// The keys, any of which does it, unless others were chosen: [`Keymap::keys`].
    pub keys: &'static [Key],
    /// What they mean.
    pub action: Action,
    /// In the footer.
    pub label: &'static str,
    /// In the help.
    pub help: &'static str,
    /// What it may do to the run.
    pub danger: Danger,
    /// Where it counts.
    pub place: Place,
    /// In a narrow footer the higher ones go first.
    pub rank: u8,
    /// Whether no other key can be chosen for it.
    pub is_fixed: bool,
}

/// What a key may do to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Nothing.
    Harmless,
    /// Changes it.
    Changes,
    /// Ends it, or asks whether to.
    Destroys,
}

impl Row {
    const fn new(keys: &'static [Key], action: Action, place: Place) -> Self {
        Self {
            name: "",
            keys,
            action,
            label: "",
            help: "",
            danger: Danger::Harmless,
            place,
            rank: 0,
            is_fixed: false,
        }
    }

    const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    const fn says(mut self, label: &'static str, help: &'static str) -> Self {
        self.label = label;
        self.help = help;
        self
    }

    const fn danger(mut self, danger: Danger) -> Self {
        self.danger = danger;
        self
    }

    const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    const fn fixed(mut self) -> Self {
        self.is_fixed = true;
        self
    }

    /// The table's own keys as they are written: `+ =`. What was chosen instead is said
    /// by [`Keymap::names`].
    #[must_use]
    pub fn names(&self, separator: &str) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(separator)
    }

    /// Which rows it stands with in the help.
    #[must_use]
    pub fn group(&self) -> Group {
        match (self.place, &self.action) {
            (Place::List | Place::Tasks, _) => Group::Lists,
            (Place::Charts, _) => Group::Charts,
            (
                _,
                Action::Show(_)
                | Action::NextPane
                | Action::PreviousPane
                | Action::Open
                | Action::Back,
            ) => Group::Views,
            _ if self.danger == Danger::Harmless => Group::Screen,
            _ => Group::Steering,
        }
    }

    /// What is asked for if the palette is told nothing more.
    #[must_use]
    pub fn setting(&self) -> Option<Setting> {
        match self.action {
            Action::Edit(setting) => Some(setting),
            _ => None,
        }
    }
}

/// What a key means on this dashboard, as it is now.
#[must_use]
pub fn meaning(app: &App, key: Key) -> Option<Action> {
    let row = rows(app).find(|row| app.keymap.keys(row).contains(&key));
    match (row, &app.mode) {
        (Some(row), _) => Some(row.action.clone()),
        (None, Mode::Prompt(_) | Mode::Palette(_)) => key.types().map(Action::Type),
        _ => None,
    }
}

/// The rows that count now.
pub fn rows(app: &App) -> impl Iterator<Item = &'static Row> + use<> {
    at(place::places(app), app.readonly)
}

/// The rows of the view that is shown, whatever is open over it.
pub fn view_rows(app: &App) -> impl Iterator<Item = &'static Row> + use<> {
    at(place::of_view(app.view), app.readonly)
}

/// Whether a row's key does something as things are now. The others are there, too,
/// and say why not; only the footer does not offer them.
#[must_use]
pub fn is_offered(row: &Row, app: &App, now: Millis) -> bool {
    let takes_devices = !app.is_ending(now);
    match row.action {
        Action::Open => app.stuck().is_some() || app.view.is_list() || app.pane.is_some(),
        Action::Back => app.view != View::Overview || app.pane.is_some(),
        Action::AddBatch | Action::Edit(Setting::Batch | Setting::Window) => takes_devices,
        Action::RemoveBatch | Action::PauseOrResume | Action::AskToEnd => {
            takes_devices && app.has_run(now)
        }
        Action::Scale(_) | Action::Edit(Setting::Instances) => {
            app.departing.is_none() && app.snapshot.capacity.refusal().is_none()
        }
        Action::ToggleScaleToZero => app.snapshot.capacity.refusal().is_none(),
        _ => true,
    }
}

/// The rows of the dashboard itself, in every view, whatever is open.
pub fn dashboard_rows(readonly: bool) -> impl Iterator<Item = &'static Row> {
    at(&[Place::Dashboard, Place::List, Place::Tasks, Place::Charts], readonly)
}

/// In read-only mode the keys that would change the run are not merely refused:
/// they are not there.
fn at(places: &'static [Place], readonly: bool) -> impl Iterator<Item = &'static Row> + use<> {
    ROWS.iter()
        .filter(|row| row.place == Place::Everywhere || places.contains(&row.place))
        .filter(move |row| !readonly || row.danger == Danger::Harmless)
}

/// The dashboard's keys as tables in markdown, for the README.
#[must_use]
pub fn readme_table() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        text.extend(["| ", group.title(), " | Name | What it does |\n|---|---|---|\n"]);
        for row in dashboard_rows(false).filter(|row| row.group() == group) {
            let keys = row.names("` `");
            let name = if row.is_fixed { String::new() } else { format!("`{}`", row.name) };
            text.extend(["| `", &keys, "` | ", &name, " | ", row.help, " |\n"]);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        effect::Effect,
        fixtures::{self, NOW},
        update::update,
    };

    #[test]
    fn every_row_has_a_name_of_its_own_and_the_dashboards_have_words() {
        for (nth, row) in ROWS.iter().enumerate() {
            let is_plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(!row.name.is_empty() && row.name.chars().all(is_plain), "{row:?}");
            assert!(ROWS[nth + 1..].iter().all(|it| it.name != row.name), "{} twice", row.name);
        }
        for row in dashboard_rows(false) {
            assert!(!row.help.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn the_readme_has_every_key() {
        let table = readme_table();
        let add = "| `+` `=` | `add` | add a batch of devices; begins a run if none is on |";
        assert!(table.contains(add), "{table}");
        assert!(table.contains("| `Ctrl-C` |  | quit; twice kills at once"), "{table}");
        let headers = 3 * Group::ALL.len();
        assert_eq!(table.lines().count(), dashboard_rows(false).count() + headers);
    }

    #[test]
    fn what_is_there_in_readonly_mode_changes_nothing_and_is_not_refused() {
        for view in View::ALL {
            for row in ROWS.iter().filter(|it| it.danger == Danger::Harmless) {
                let mut app = fixtures::app(fixtures::steady());
                (app.readonly, app.view) = (true, view);
                for effect in update(&mut app, row.action.clone(), NOW) {
                    let changes = matches!(&effect, Effect::Send(it) if *it != crate::controller::command::Command::Export);
                    assert!(!changes, "{} sends {effect:?}", row.name);
                }
                let hint = app.hint.as_ref().map_or("", |it| &it.text);
                assert!(!hint.contains("read-only"), "{}: {hint}", row.name);
            }
        }
    }

    #[test]
    fn what_would_change_something_is_not_there_in_readonly_mode() {
        let mut app = fixtures::app(fixtures::steady());
        app.readonly = true;
        for view in View::ALL {
            app.view = view;
            assert!(rows(&app).all(|row| row.danger == Danger::Harmless));
            for row in ROWS.iter().filter(|it| it.danger != Danger::Harmless) {
                let is_of_dashboard = matches!(row.place, Place::Dashboard | Place::Tasks);
                for key in row.keys.iter().filter(|_| is_of_dashboard) {
                    assert_ne!(meaning(&app, *key), Some(row.action.clone()), "{key}");
                }
            }
        }
    }
}
