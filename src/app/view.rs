//! What fills the screen: one of six views, and which of its panes has the keys.
//!
//! Invariant: plain names; where they are on the screen is the layout's matter.

/// One of the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// Everything at a glance.
    #[default]
    Overview,
    /// The machines.
    Instances,
    /// The tasks.
    Tasks,
    /// Response and service times.
    Latency,
    /// What the devices talk to.
    Target,
    /// What was said.
    Notices,
}

impl View {
    /// All of them, by their keys.
    pub const ALL: [View; 6] =
        [View::Overview, View::Instances, View::Tasks, View::Latency, View::Target, View::Notices];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            View::Overview => "Overview",
            View::Instances => "Instances",
            View::Tasks => "Tasks",
            View::Latency => "Latency",
            View::Target => "Target",
            View::Notices => "Notices",
        }
    }

    /// Whether it is a list of rows, one of which is selected.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, View::Instances | View::Tasks | View::Notices)
    }

    /// Whether it has charts, whose stretch of time can be moved.
    #[must_use]
    pub fn has_charts(self) -> bool {
        matches!(self, View::Overview | View::Latency)
    }

    /// Its panes, in the order in which Tab goes through them.
    #[must_use]
    pub fn panes(self) -> &'static [Pane] {
        match self {
            View::Overview => &[
                Pane::Instances,
                Pane::Tasks,
                Pane::Devices,
                Pane::Latency,
                Pane::Traffic,
                Pane::Notices,
            ],
            _ => &[],
        }
    }
}

/// A pane of the overview; Enter opens what there is more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The machines.
    Instances,
    /// The tasks.
    Tasks,
    /// The devices over time.
    Devices,
    /// Response times.
    Latency,
    /// Throughput and errors.
    Traffic,
    /// The notices.
    Notices,
}

impl Pane {
    /// The view that has more of it.
    #[must_use]
    pub fn view(self) -> View {
        match self {
            Pane::Instances => View::Instances,
            Pane::Tasks => View::Tasks,
            // How many are connected, and what keeps the others from it.
            Pane::Devices | Pane::Traffic => View::Target,
            Pane::Latency => View::Latency,
            Pane::Notices => View::Notices,
        }
    }
}
