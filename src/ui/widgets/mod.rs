//! Shapes without a meaning: builders that get their data and their theme, and make
//! do with whatever room there is.

mod axes;
mod figures;
mod gauge;
mod grid;
mod heatmap;
mod pane;
mod plot;
mod scale;
mod spark;
mod table;

pub(super) use axes::{Axes, Flag, Tick};
pub(super) use figures::{Figure, Figures};
pub(super) use gauge::Gauge;
pub(super) use grid::Fill;
pub(super) use heatmap::{Heatmap, Slab};
pub(super) use pane::{Pane, emphasise};
pub(super) use plot::{Plot, Sample, Series, swatch};
pub(super) use scale::Scale;
pub(super) use spark::Spark;
pub(super) use table::{Cell, Column, Fit, Row, Table};
