//! How much of a core the program takes while a person looks at it.

use std::{thread, time::Duration};

use crate::screen::program::{Cloud, DEVICES, Dashboard, with_devices};

/// How long it may settle, and how long it is measured after that.
const SETTLE: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(30);
/// Wanted when nothing happens, and with a large fleet.
const IDLE: f64 = 0.01;
const BUSY: f64 = 0.02;

pub(crate) fn measure() -> color_eyre::Result<()> {
    println!("\nCPU of the dashboard's process, over {} s\n", LONG.as_secs());
    println!("| While | Share of a core | Wanted | |");
    println!("|---|---|---|---|");
    row("nothing runs, with its own local cloud in it", &Dashboard::start(None, &[])?, IDLE)?;
    let cloud = Cloud::start()?;
    row("nothing runs, on a cloud that stays", &Dashboard::start(Some(&cloud), &[])?, IDLE)?;
    let what = format!("{DEVICES} devices run there (modelled)");
    row(&what, &with_devices(&cloud)?, BUSY)
}

fn row(what: &str, dashboard: &Dashboard, wanted: f64) -> color_eyre::Result<()> {
    thread::sleep(SETTLE);
    let before = dashboard.cpu()?;
    thread::sleep(LONG);
    let share = dashboard.cpu()?.saturating_sub(before).as_secs_f64() / LONG.as_secs_f64();
    let verdict = if share < wanted { "holds" } else { "OVER" };
    println!("| {what} | {:.2} % | {:.0} % | {verdict} |", share * 100.0, wanted * 100.0);
    Ok(())
}
