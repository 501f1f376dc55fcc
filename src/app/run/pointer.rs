//! What the mouse means.
//!
//! Invariant: it can do what a key could do there and no more, so that a dialog, a
//! prompt and read-only mode hold for it too; and by one click nothing ends.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::{
    app::{
        action::Action,
        state::{App, Mode},
    },
    ui::{hits::Hits, keymap},
};

/// What this means on the picture with these `hits`.
pub(super) fn meant(app: &App, hits: &Hits, event: MouseEvent) -> Option<Action> {
    let (column, row) = (event.column, event.row);
    let action = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => hits.clicked(column, row),
        MouseEventKind::ScrollDown => hits.scrolled(column, row, true),
        MouseEventKind::ScrollUp => hits.scrolled(column, row, false),
        _ => None,
    }?;
    let action = match action {
        Action::Choose(choice) => Action::PointAt(choice),
        other => other,
    };
    is_allowed(app, &action).then_some(action)
}

/// Whether a key could do it now, or it only looks at something.
fn is_allowed(app: &App, action: &Action) -> bool {
    let has_key = |action: &Action| keymap::rows(app).any(|row| row.action == *action);
    match (&app.mode, action) {
        (Mode::Normal, action) if looks(action) => true,
        (Mode::Dialog(dialog), Action::PointAt(choice)) => {
            let choices = dialog.question.choices(app.snapshot.site.outlives_us);
            choices.contains(choice) && (!app.readonly || !choice.ends_something())
        }
        (Mode::Help | Mode::Stuck | Mode::Palette(_), Action::Scroll(_)) => true,
        _ => has_key(action),
    }
}

/// Whether it changes nothing but what is looked at.
fn looks(action: &Action) -> bool {
    matches!(
        action,
        Action::Show(_)
            | Action::Focus(_)
            | Action::Open
            | Action::Back
            | Action::Select(_)
            | Action::SelectRow(_)
            | Action::Sort(_)
            | Action::Shift(_)
            | Action::ReadAt(_)
            | Action::ReadNext(_)
            | Action::Scroll(_)
    )
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;
    use ratatui::layout::Rect;

    use super::*;
    use crate::app::{
        fixtures::{self, NOW},
        state::{Choice, Question, Setting},
        update::update,
        view::View,
    };

    fn event(kind: MouseEventKind) -> MouseEvent {
        MouseEvent { kind, column: 3, row: 3, modifiers: KeyModifiers::NONE }
    }

    /// What a click means where this action is drawn.
    fn click(app: &App, action: Action) -> Option<Action> {
        let mut hits = Hits::default();
        hits.click(Rect::new(0, 0, 10, 10), action);
        meant(app, &hits, event(MouseEventKind::Down(MouseButton::Left)))
    }

    #[test]
    fn only_the_left_button_and_the_wheel_mean_anything() {
        let app = fixtures::app(fixtures::steady());
        let mut hits = Hits::default();
        hits.click(Rect::new(0, 0, 10, 10), Action::Show(View::Tasks));
        hits.wheel(Rect::new(0, 0, 10, 10), Action::Scroll(-1), Action::Scroll(1));
        let meant = |kind| meant(&app, &hits, event(kind));
        let left = MouseEventKind::Down(MouseButton::Left);
        assert_eq!(meant(left), Some(Action::Show(View::Tasks)));
        assert_eq!(meant(MouseEventKind::ScrollUp), Some(Action::Scroll(-1)));
        for kind in [
            MouseEventKind::Up(MouseButton::Left),
            MouseEventKind::Drag(MouseButton::Left),
            MouseEventKind::Down(MouseButton::Right),
            MouseEventKind::Moved,
        ] {
            assert_eq!(meant(kind), None, "{kind:?}");
        }
    }

    #[test]
    fn a_click_does_what_its_key_could_do_there() {
        let mut app = fixtures::app(fixtures::steady());
        assert_eq!(click(&app, Action::AddBatch), Some(Action::AddBatch));
        app.readonly = true;
        assert_eq!(click(&app, Action::AddBatch), None);
        assert_eq!(click(&app, Action::Show(View::Tasks)), Some(Action::Show(View::Tasks)));
        app.readonly = false;
        update(&mut app, Action::Edit(Setting::Batch), NOW);
        assert_eq!(click(&app, Action::AddBatch), None);
        assert_eq!(click(&app, Action::Show(View::Tasks)), None);
    }

    #[test]
    fn no_single_click_ends_a_run() {
        let mut app = fixtures::app(fixtures::steady());
        update(&mut app, Action::AskToEnd, NOW);
        let kill = click(&app, Action::Choose(Choice::Kill)).expect("it is a button there");
        assert_eq!(update(&mut app, kill.clone(), NOW), []);
        assert!(matches!(&app.mode, Mode::Dialog(it) if it.question == Question::EndRun
                && it.focus == Choice::Kill));
        assert_eq!(update(&mut app, kill, NOW).len(), 1);
        assert_eq!(click(&app, Action::Choose(Choice::Kill)), None);
        update(&mut app, Action::AskToEnd, NOW + 10_000);
        let cancel = click(&app, Action::Choose(Choice::Cancel)).expect("it is a button there");
        update(&mut app, cancel, NOW + 10_000);
        assert_eq!(app.mode, Mode::Normal);
    }
}
