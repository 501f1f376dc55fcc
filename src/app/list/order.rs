//! Which rows of a snapshot are shown, and in which order.
//!
//! Invariant: rows that are alike stay in the snapshot's order, and what is not known
//! comes last, whichever way a list is sorted.

use std::cmp::Ordering;

use super::{
    List,
    columns::{InstanceColumn, NoticeColumn, TaskColumn},
    filter::{Filter, Filtered},
};
use crate::{
    app::view::View,
    controller::snapshot::{InstanceView, Notice, Snapshot, TaskRow},
};

/// What a row is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Number(u64),
    Text(&'a str),
}

/// The rows of a view's list, by their places in the snapshot.
pub(super) fn of(snapshot: &Snapshot, view: View, list: &List) -> Vec<u32> {
    let column = list.sort.checked_sub(1);
    match view {
        View::Tasks => {
            let rows = &snapshot.task_rows.value;
            let column = column.and_then(|nth| TaskColumn::ALL.get(nth).copied());
            ordered(rows, list, column.map(|column| move |row| task_key(row, column)))
        }
        View::Instances => {
            let rows = &snapshot.instances.value.list;
            let column = column.and_then(|nth| InstanceColumn::ALL.get(nth).copied());
            ordered(rows, list, column.map(|column| move |row| instance_key(row, column)))
        }
        View::Notices => {
            let column = column.and_then(|nth| NoticeColumn::ALL.get(nth).copied());
            let key = column.unwrap_or(NoticeColumn::Age);
            ordered(&snapshot.notices, list, Some(move |row| Some(notice_key(row, key))))
        }
        View::Overview | View::Latency | View::Target => Vec::new(),
    }
}

fn ordered<'a, T: Filtered>(
    rows: &'a [T],
    list: &List,
    key: Option<impl Fn(&'a T) -> Option<Key<'a>>>,
) -> Vec<u32> {
    let filter = Filter::of::<T>(&list.filter);
    let shown = (0..).zip(rows).filter(|(_, row)| filter.shows(*row));
    let Some(key) = key else {
        let mut order: Vec<u32> = shown.map(|(place, _)| place).collect();
        if list.descending {
            order.reverse();
        }
        return order;
    };
    let mut keyed: Vec<(Option<Key<'a>>, u32)> =
        shown.map(|(place, row)| (key(row), place)).collect();
    keyed.sort_by(|(one, _), (other, _)| match (one, other) {
        (Some(one), Some(other)) if list.descending => other.cmp(one),
        (Some(one), Some(other)) => one.cmp(other),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
    });
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// A number whose order is that of `value`, whatever that is.
fn number(value: f64) -> Key<'static> {
    let bits = value.to_bits();
    Key::Number(if bits >> 63 == 1 { !bits } else { bits | 1 << 63 })
}

fn task_key(row: &TaskRow, column: TaskColumn) -> Option<Key<'_>> {
    let report = row.live_report();
    match column {
        TaskColumn::Name => Some(Key::Number(u64::from(row.slot) << 32 | u64::from(row.attempt))),
        TaskColumn::State => Some(Key::Number(row.state as u64)),
        TaskColumn::Devices => report.map(|it| Key::Number(it.devices.connected)),
        TaskColumn::Instance => row.instance.as_deref().map(Key::Text),
        // The older the larger.
        TaskColumn::Age => row.since.map(|since| Key::Number(!since)),
        TaskColumn::Requests => report.map(|it| number(it.requests_per_s)),
        TaskColumn::Errors => report.map(|it| number(it.errors_per_s)),
        TaskColumn::Cpu => report.map(|it| number(it.cpu)),
        TaskColumn::Lag => report.map(|it| number(it.lag_p99_ms)),
        TaskColumn::Report => report.map(|it| Key::Number(!it.at)),
        TaskColumn::Exit => row.exit_code.map(|code| number(code.into())),
        TaskColumn::Reason => row.reason.as_deref().map(Key::Text),
    }
}

fn instance_key(row: &InstanceView, column: InstanceColumn) -> Option<Key<'_>> {
    let share = |(used, all): (u32, u32)| number(f64::from(used) / f64::from(all.max(1)));
    match column {
        InstanceColumn::Id => Some(Key::Text(&row.id)),
        InstanceColumn::State => Some(Key::Number(row.state as u64)),
        InstanceColumn::Tasks => Some(Key::Number(row.tasks.into())),
        InstanceColumn::Room => Some(Key::Number(row.room.into())),
        InstanceColumn::Devices => row.connected.map(|it| Key::Number(it.into())),
        InstanceColumn::Cpu => row.agents_cpu.map(number),
        InstanceColumn::Reserved => row.cpu_units.map(share),
        InstanceColumn::Memory => row.memory_mib.map(share),
        InstanceColumn::Kind => row.kind.as_deref().map(Key::Text),
        InstanceColumn::Zone => row.zone.as_deref().map(Key::Text),
        InstanceColumn::Age => row.since.map(|since| Key::Number(!since)),
    }
}

fn notice_key(row: &Notice, column: NoticeColumn) -> Key<'_> {
    match column {
        NoticeColumn::Age => Key::Number(!row.number),
        NoticeColumn::Level => Key::Number(row.level as u64),
        NoticeColumn::Text => Key::Text(&row.text),
    }
}
