//! Every view at every common size, with and without Unicode.

use std::{collections::BTreeMap, sync::Arc};

use super::{picture, text};
use crate::{
    app::{
        action::Action,
        fixtures::{self, NOW},
        state::App,
        update::update,
        view::View,
    },
    controller::snapshot::{Aged, Column, LabelColumn, LatencyView, Snapshot},
    ui::theme::Theme,
};

/// A run with everything in it that a view can show.
pub(super) fn rich() -> Snapshot {
    let mut snapshot = fixtures::errors();
    snapshot.latency = labels();
    snapshot.orders.unwritten = 1;
    snapshot.tasks.value.requested = 1;
    snapshot.throttled = BTreeMap::from([("RunTask".to_owned(), NOW + 12_000)]);
    snapshot.calls = [("RunTask", 12), ("DescribeTasks", 240), ("throttled", 7)]
        .map(|(k, n)| (k.into(), n))
        .into();
    snapshot.traffic.value.errors =
        [("timeout", 1204), ("refused", 96), ("files", 3)].map(|(k, n)| (k.into(), n)).into();
    snapshot.run.iter_mut().for_each(|run| run.rate = Some(1500.0));
    snapshot
}

/// Two labels over a minute.
fn labels() -> Aged<Arc<LatencyView>> {
    let of =
        |label, requests, errors| LabelColumn { label, requests, errors, ..LabelColumn::default() };
    let column = |nth: u64| Column {
        at: NOW - 62_000 + nth * 5_000,
        length_ms: 5_000,
        tasks: 5,
        labels: vec![of(0, 5_021, 4), of(1, 1_240, 0)],
    };
    let view = LatencyView {
        columns: (0..12).map(|nth| Arc::new(column(nth))).collect(),
        labels: Arc::new(vec!["line".into(), "login".into()]),
        tasks_read: 4,
        tasks_of: 5,
        unreadable: 0,
        every_ms: 5_000,
    };
    Aged { value: Arc::new(view), at: Some(NOW - 2_000) }
}

/// A dashboard that shows this view of `snapshot`, with its lists and charts made.
pub(super) fn showing(snapshot: Snapshot, view: View) -> App {
    let mut app = fixtures::app(snapshot);
    let news = Arc::clone(&app.snapshot);
    update(&mut app, Action::Observed(news), NOW);
    update(&mut app, Action::Show(view), NOW);
    app
}

#[test]
fn every_view_at_every_common_size() {
    for view in View::ALL {
        let app = showing(rich(), view);
        let name = view.name().to_lowercase();
        for (width, height) in [(160, 50), (120, 40), (80, 24), (60, 16)] {
            let seen = text(&picture(&app, Theme::default(), width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), seen);
            let plain = text(&picture(&app, Theme::new(true, false), width, height));
            assert!(plain.is_ascii(), "{name} at {width}x{height}:\n{plain}");
            insta::assert_snapshot!(format!("{name}_{width}x{height}_ascii"), plain);
        }
    }
}

#[test]
fn the_largest_screens() {
    for view in [View::Overview, View::Target] {
        let app = showing(rich(), view);
        let name = view.name().to_lowercase();
        for (width, height) in [(200, 60), (300, 100)] {
            let seen = text(&picture(&app, Theme::default(), width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), seen);
        }
    }
}
