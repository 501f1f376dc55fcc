//! What a picture takes: the update that takes a new snapshot in, and the drawing, with
//! what is sent to the terminal, view by view, in CPU time.
//!
//! Invariant: each snapshot has other figures of every task, so that nothing is saved by
//! nothing having changed.

use std::{io, sync::Arc, time::Duration};

use loadtop::{
    app::{action::Action, state::App, update::update, view::View},
    ui::{self, theme::Theme},
};
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use rustix::time::{ClockId, clock_gettime};

use crate::screen::{
    fleet::{self, NOW},
    times::{Times, ms},
};

/// Pictures that are not counted, and those that are.
const WARM_UP: u64 = 20;
const PICTURES: u64 = 500;
/// Snapshots that are made before, and taken in turns.
const SNAPSHOTS: u64 = 4;
/// Wanted of a picture.
const WANTED: Duration = Duration::from_millis(1);

/// CPU time of this thread so far: what others have of the core meanwhile is no part of a
/// picture.
fn spent() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), spent.tv_nsec.unsigned_abs() as u32)
}

pub(crate) fn measure() -> color_eyre::Result<()> {
    let snapshots: Vec<_> = (0..SNAPSHOTS).map(fleet::snapshot).collect();
    println!("\nA picture of a fleet of {} tasks (wanted: under {})\n", fleet::TASKS, ms(WANTED));
    println!("| View | New snapshot: median | p99 | Picture: median | p99 | |");
    println!("|---|---|---|---|---|---|");
    for view in View::ALL {
        let area = Rect::new(0, 0, 200, 60);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(io::sink()), options)?;
        let mut app = App::new(Arc::new(snapshots[0].clone()), 100, Duration::from_secs(10), false);
        update(&mut app, Action::Show(view), NOW);
        let (mut updates, mut pictures) = (Times::default(), Times::default());
        for nth in 0..WARM_UP + PICTURES {
            let now = NOW + nth * 100;
            let mut next = snapshots[(nth % SNAPSHOTS) as usize].clone();
            next.at = now;
            let began = spent();
            update(&mut app, Action::Observed(Arc::new(next)), now);
            let taken_in = spent();
            terminal.draw(|frame| {
                ui::draw(frame, &app, Theme::default(), now);
            })?;
            if nth >= WARM_UP {
                updates.add(taken_in.saturating_sub(began));
                pictures.add(spent().saturating_sub(taken_in));
            }
        }
        let verdict = if pictures.quantile(0.5) < WANTED { "holds" } else { "OVER" };
        println!(
            "| {} | {} | {} | {} | {} | {verdict} |",
            view.name(),
            ms(updates.quantile(0.5)),
            ms(updates.quantile(0.99)),
            ms(pictures.quantile(0.5)),
            ms(pictures.quantile(0.99)),
        );
    }
    Ok(())
}
