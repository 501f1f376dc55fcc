//! The table: a key, its action, its words, its danger and its place are one row.
//!
//! Invariant: this is the only place that knows a key. What is changed in `loadtop.toml`
//! is laid over it by [`Keymap`](super::Keymap).

use super::{Danger, Key, KeyCode, Place, Row};
use crate::app::{
    action::{Action, Caret, Shift, Sorting, Step},
    state::{Choice, Setting},
    view::View,
};

/// Every key there is.
pub static ROWS: &[Row] = &[
    Row::new(&[Key::of('+'), Key::of('=')], Action::AddBatch, Place::Dashboard)
        .named("add")
        .says("add", "add a batch of devices; begins a run if none is on")
        .danger(Danger::Changes),
    Row::new(&[Key::of('-')], Action::RemoveBatch, Place::Dashboard)
        .named("remove")
        .says("remove", "remove a batch: the newest devices go")
        .danger(Danger::Changes)
        .rank(1),
    Row::new(&[Key::of('b')], Action::Edit(Setting::Batch), Place::Dashboard)
        .named("batch")
        .says("batch", "set how many devices a batch has")
        .danger(Danger::Changes)
        .rank(4),
    Row::new(&[Key::of('w')], Action::Edit(Setting::Window), Place::Dashboard)
        .named("window")
        .says("window", "set the ramp window over which a batch starts")
        .danger(Danger::Changes)
        .rank(4),
    Row::new(&[Key::of(']')], Action::Scale(1), Place::Dashboard)
        .named("instance-more")
        .says("+instance", "one instance more")
        .danger(Danger::Changes)
        .rank(1),
    Row::new(&[Key::of('[')], Action::Scale(-1), Place::Dashboard)
        .named("instance-less")
        .says("-instance", "one instance less (asks first if tasks must stop)")
        .danger(Danger::Changes)
        .rank(5),
    Row::new(&[Key::of('s')], Action::Edit(Setting::Instances), Place::Dashboard)
        .named("scale")
        .says("scale", "set how many instances there are")
        .danger(Danger::Changes)
        .rank(6),
    Row::new(&[Key::of('p')], Action::PauseOrResume, Place::Dashboard)
        .named("pause")
        .says("pause", "pause the ramp, or resume it; devices that run go on")
        .danger(Danger::Changes)
        .rank(2),
    Row::new(&[Key::of('K')], Action::AskToEnd, Place::Dashboard)
        .named("end-run")
        .says("end run", "end the run: kill all devices and tasks (asks first)")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('r')], Action::Edit(Setting::Rate), Place::Dashboard)
        .named("rate")
        .says("rate", "set the requests per second of all devices together")
        .danger(Danger::Changes)
        .rank(8),
    Row::new(&[Key::of('o')], Action::Edit(Setting::Target), Place::Dashboard)
        .named("open")
        .says("open", "open another target on the devices that run")
        .danger(Danger::Changes)
        .rank(8),
    Row::new(&[Key::of('1')], Action::Show(View::Overview), Place::Dashboard)
        .named("view-overview")
        .says("", "overview: everything at a glance"),
    Row::new(&[Key::of('2')], Action::Show(View::Instances), Place::Dashboard)
        .named("view-instances")
        .says("", "instances: tasks, devices, CPU, age and state of each"),
    Row::new(&[Key::of('3')], Action::Show(View::Tasks), Place::Dashboard)
        .named("view-tasks")
        .says("", "tasks: devices, state, last report, log of each"),
    Row::new(&[Key::of('4')], Action::Show(View::Latency), Place::Dashboard)
        .named("view-latency")
        .says("", "latency: percentiles by label, heatmap, percentile curve"),
    Row::new(&[Key::of('5')], Action::Show(View::Target), Place::Dashboard)
        .named("view-target")
        .says("", "target: connections, errors by kind, codes"),
    Row::new(&[Key::of('6')], Action::Show(View::Notices), Place::Dashboard)
        .named("view-notices")
        .says("", "notices: all that was said"),
    Row::new(&[Key::plain(KeyCode::Tab)], Action::NextPane, Place::Dashboard)
        .named("next-pane")
        .says("", "the next pane"),
    Row::new(&[Key::plain(KeyCode::BackTab)], Action::PreviousPane, Place::Dashboard)
        .named("previous-pane")
        .says("", "the pane before"),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Open, Place::Dashboard)
        .named("details")
        .says("details", "more of the pane or row; what is left, if the end does not come")
        .rank(9),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Back, Place::Dashboard)
        .named("back")
        .says("back", "one thing less: details, filter, view")
        .rank(9),
    Row::new(&[Key::of('/')], Action::Edit(Setting::Filter), Place::List)
        .named("filter")
        .says("filter", "show the rows that have this in them")
        .rank(2),
    Row::new(&[Key::of('>')], Action::Sort(Sorting::Next), Place::List)
        .named("sort")
        .says("sort", "sort by the next column")
        .rank(3),
    Row::new(&[Key::of('<')], Action::Sort(Sorting::Previous), Place::List)
        .named("sort-back")
        .says("", "sort by the column before"),
    Row::new(&[Key::of('I')], Action::Sort(Sorting::Reverse), Place::List)
        .named("sort-reverse")
        .says("", "sort the other way round"),
    Row::new(&[Key::plain(KeyCode::Down), Key::of('j')], Action::Select(Step::By(1)), Place::List)
        .named("row-down")
        .says("", "the next row"),
    Row::new(&[Key::plain(KeyCode::Up), Key::of('k')], Action::Select(Step::By(-1)), Place::List)
        .named("row-up")
        .says("", "the row before"),
    Row::new(&[Key::plain(KeyCode::PageDown)], Action::Select(Step::By(20)), Place::List)
        .named("page-down")
        .says("", "twenty rows on"),
    Row::new(&[Key::plain(KeyCode::PageUp)], Action::Select(Step::By(-20)), Place::List)
        .named("page-up")
        .says("", "twenty rows back"),
    Row::new(&[Key::of('g')], Action::Select(Step::First), Place::List)
        .named("row-first")
        .says("", "the first row"),
    Row::new(&[Key::of('G')], Action::Select(Step::Last), Place::List)
        .named("row-last")
        .says("", "the last row"),
    Row::new(&[Key::of('X')], Action::AskToStopTask, Place::Tasks)
        .named("stop-task")
        .says("stop task", "stop the selected task; its devices come back (asks first)")
        .danger(Danger::Destroys)
        .rank(1),
    Row::new(&[Key::of('z')], Action::Shift(Shift::In), Place::Charts)
        .named("zoom-in")
        .says("zoom", "zoom in: half the time")
        .rank(7),
    Row::new(&[Key::of('Z')], Action::Shift(Shift::Out), Place::Charts)
        .named("zoom-out")
        .says("", "zoom out: twice the time, up to the whole run"),
    Row::new(&[Key::plain(KeyCode::Left)], Action::Shift(Shift::Earlier), Place::Charts)
        .named("earlier")
        .says("", "earlier"),
    Row::new(&[Key::plain(KeyCode::Right)], Action::Shift(Shift::Later), Place::Charts)
        .named("later")
        .says("", "later"),
    Row::new(&[Key::plain(KeyCode::End)], Action::Shift(Shift::Live), Place::Charts)
        .named("live")
        .says("", "back to live"),
    Row::new(&[Key::of(',')], Action::ReadNext(-1), Place::Charts)
        .named("read-earlier")
        .says("", "read the figures of a moment, one earlier"),
    Row::new(&[Key::of('.')], Action::ReadNext(1), Place::Charts)
        .named("read-later")
        .says("", "read the figures one later"),
    Row::new(&[Key::of('c')], Action::ToggleRecord, Place::Dashboard)
        .named("record")
        .says("record", "record the screen as an asciinema cast; again to stop")
        .rank(8),
    Row::new(&[Key::of('x')], Action::Export, Place::Dashboard)
        .named("export")
        .says("export", "write the figures so far into the run's folder")
        .rank(8),
    Row::new(&[Key::of('t')], Action::NextTheme, Place::Dashboard)
        .named("theme")
        .says("theme", "the next theme")
        .rank(9),
    Row::new(&[Key::of(':')], Action::OpenPalette, Place::Dashboard)
        .named("palette")
        .says("palette", "the palette: every key by its name, with what it takes")
        .rank(8),
    Row::new(&[Key::ctrl('z')], Action::Suspend, Place::Everywhere)
        .named("suspend")
        .says("", "suspend; fg comes back"),
    Row::new(&[Key::of('f')], Action::ToggleFreeze, Place::Dashboard)
        .named("freeze")
        .says("freeze", "freeze the screen, not the run; again to go on")
        .rank(3),
    Row::new(&[Key::of('l')], Action::ToggleLogAxis, Place::Charts)
        .named("log-axis")
        .says("log", "logarithmic or linear latency axis")
        .rank(7),
    Row::new(&[Key::of('?')], Action::ToggleHelp, Place::Dashboard)
        .named("help")
        .says("help", "show the keys"),
    Row::new(&[Key::of('q')], Action::Quit, Place::Dashboard)
        .named("quit")
        .says("quit", "quit; asks what becomes of a fleet that runs"),
    Row::new(&[Key::ctrl('c')], Action::Interrupt, Place::Everywhere)
        .named("interrupt")
        .fixed()
        .says("", "quit; twice kills at once, a third time waits for nothing"),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Prompt)
        .named("prompt-set")
        .says("set", "set it"),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Close, Place::Prompt)
        .named("prompt-cancel")
        .says("cancel", "change nothing"),
    Row::new(&[Key::plain(KeyCode::Backspace)], Action::Erase, Place::Prompt).named("prompt-erase"),
    Row::new(&[Key::plain(KeyCode::Delete)], Action::EraseNext, Place::Prompt)
        .named("prompt-erase-next"),
    Row::new(&[Key::ctrl('u')], Action::EraseAll, Place::Prompt).named("prompt-erase-all"),
    Row::new(&[Key::plain(KeyCode::Left)], Action::Move(Caret::Left), Place::Prompt)
        .named("prompt-left"),
    Row::new(&[Key::plain(KeyCode::Right)], Action::Move(Caret::Right), Place::Prompt)
        .named("prompt-right"),
    Row::new(
        &[Key::plain(KeyCode::Home), Key::ctrl('a')],
        Action::Move(Caret::Start),
        Place::Prompt,
    )
    .named("prompt-start"),
    Row::new(&[Key::plain(KeyCode::End), Key::ctrl('e')], Action::Move(Caret::End), Place::Prompt)
        .named("prompt-end"),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Kill), Place::KillDialog)
        .named("dialog-kill")
        .says("kill", "kill all devices and tasks")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('l')], Action::Choose(Choice::Leave), Place::QuitDialog)
        .named("dialog-leave")
        .says("leave", "leave the fleet running, where it outlives loadtop"),
    Row::new(&[Key::of('z')], Action::ToggleScaleToZero, Place::EndDialog)
        .named("dialog-scale-to-zero")
        .says("scale to zero", "let the instances go, too")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Drain), Place::DrainDialog)
        .named("dialog-stop-tasks")
        .says("stop tasks", "stop the tasks and take their instances away")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::StopTask), Place::TaskDialog)
        .named("dialog-stop-task")
        .says("stop it", "stop the task")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Add), Place::AddDialog)
        .named("dialog-add")
        .says("add it", "add the batch")
        .danger(Danger::Changes),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Palette)
        .named("palette-do")
        .says("do it", "do what is selected"),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Close, Place::Palette)
        .named("palette-cancel")
        .says("cancel", "close the palette"),
    Row::new(&[Key::plain(KeyCode::Tab)], Action::Complete, Place::Palette)
        .named("palette-complete")
        .says("complete", "complete what was typed"),
    Row::new(&[Key::plain(KeyCode::Backspace)], Action::Erase, Place::Palette)
        .named("palette-erase"),
    Row::new(&[Key::plain(KeyCode::Down)], Action::Scroll(1), Place::Palette).named("palette-down"),
    Row::new(&[Key::plain(KeyCode::Up)], Action::Scroll(-1), Place::Palette).named("palette-up"),
    Row::new(&[Key::of('n'), Key::plain(KeyCode::Esc)], Action::Close, Place::Dialog)
        .named("dialog-cancel")
        .says("cancel", "change nothing"),
    Row::new(
        &[Key::plain(KeyCode::Tab), Key::plain(KeyCode::Right)],
        Action::NextChoice,
        Place::Dialog,
    )
    .named("dialog-next"),
    Row::new(
        &[Key::plain(KeyCode::BackTab), Key::plain(KeyCode::Left)],
        Action::PreviousChoice,
        Place::Dialog,
    )
    .named("dialog-previous"),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Dialog)
        .named("dialog-choose")
        .says("choose", "press the button in focus"),
    Row::new(
        &[Key::of('?'), Key::of('q'), Key::plain(KeyCode::Esc)],
        Action::ToggleHelp,
        Place::Help,
    )
    .named("help-close")
    .says("close", "close the help"),
    Row::new(&[Key::plain(KeyCode::Esc), Key::plain(KeyCode::Enter)], Action::Close, Place::Stuck)
        .named("stuck-close")
        .says("close", "close it"),
    Row::new(&[Key::of('q')], Action::Quit, Place::Stuck).named("stuck-quit").says("quit", "quit"),
    Row::new(&[Key::plain(KeyCode::Down)], Action::Scroll(1), Place::Panel).named("scroll-down"),
    Row::new(&[Key::plain(KeyCode::Up)], Action::Scroll(-1), Place::Panel).named("scroll-up"),
    Row::new(&[Key::plain(KeyCode::PageDown), Key::of(' ')], Action::Scroll(8), Place::Panel)
        .named("scroll-page-down"),
    Row::new(&[Key::plain(KeyCode::PageUp)], Action::Scroll(-8), Place::Panel)
        .named("scroll-page-up"),
];
