//! How long it is from a key to the picture that shows it, with a large fleet on the
//! screen: the time until its bytes can be read from the terminal.

use std::{thread, time::Duration};

use crate::screen::{
    program::{Cloud, DEVICES, with_devices},
    times::{Times, ms},
};

const PRESSES: u64 = 200;
/// Wanted of 99 % of them.
const WANTED: Duration = Duration::from_millis(20);

pub(crate) fn measure() -> color_eyre::Result<()> {
    let cloud = Cloud::start()?;
    let mut dashboard = with_devices(&cloud)?;
    dashboard.press("b")?;
    dashboard.until_lowest(|line| line.contains("now"))?;
    let mut times = Times::default();
    for nth in 0..PRESSES {
        // At no fixed distance to the pictures that come by themselves.
        thread::sleep(Duration::from_millis(40 + nth * 61 % 200));
        let (key, is_typed) = if nth % 2 == 0 { ("7", true) } else { ("\x7f", false) };
        let pressed = dashboard.press(key)?;
        let shown = dashboard.until_lowest(|line| line.contains(": 7") == is_typed)?;
        times.add(shown.saturating_duration_since(pressed));
    }
    let p99 = times.quantile(0.99);
    println!("\nFrom a key to its picture, with {DEVICES} devices ({PRESSES} presses)\n");
    println!("| Median | p99 | Worst | Wanted of p99 | |");
    println!("|---|---|---|---|---|");
    println!(
        "| {} | {} | {} | {} | {} |",
        ms(times.quantile(0.5)),
        ms(p99),
        ms(times.quantile(1.0)),
        ms(WANTED),
        if p99 < WANTED { "holds" } else { "OVER" },
    );
    Ok(())
}
