//! What was used, in money; and the budget.

use serde::{Deserialize, Serialize};

use super::{MICRO, Meter, Requests, UNNAMED, Used, task_hour};
use crate::model::{
    Millis,
    prices::{self, Prices},
};

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;
/// From here on an estimate can be seen in a figure of cents.
const VISIBLE_USD: f64 = 0.005;
/// How long before the budget is used up that is said.
const SOON_MS: Millis = 300_000;
/// What the budget's end is early by, for what is between two looks, in milliseconds of
/// all that runs.
const MARGIN_MS: Millis = 5_000;

/// What a task on Fargate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// CPU units, 1,024 a vCPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Whether it is Spot.
    pub spot: bool,
    /// Whether it has a public address.
    pub public_address: bool,
}

impl Shape {
    /// Its vCPUs.
    #[must_use]
    pub fn vcpu(&self) -> f64 {
        f64::from(self.cpu) / 1024.0
    }

    /// Its memory in GB, as Fargate counts them.
    #[must_use]
    pub fn gb(&self) -> f64 {
        f64::from(self.memory) / 1024.0
    }
}

/// What a run costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bill {
    /// In US dollars, so far.
    pub so_far_usd: f64,
    /// In US dollars an hour, as it is now.
    pub per_hour_usd: f64,
    /// Each part of it; those that are nothing are left out.
    pub parts: Vec<Part>,
    /// What of it goes to instances that were there before the run.
    pub before_usd: f64,
    /// Whether something that can be seen in it is an estimate.
    pub estimate: bool,
    /// What could not be counted, and what to do about it.
    pub unknown: Vec<String>,
    /// What the run may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// One part of what a run costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    pub name: PartName,
    /// In US dollars, so far.
    pub so_far_usd: f64,
    /// In US dollars an hour, as it is now.
    pub per_hour_usd: f64,
    /// Whether that is an estimate: Spot, and requests of agents.
    pub estimate: bool,
}

/// The parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartName {
    /// Instances of the group.
    Instances,
    /// Tasks on Fargate.
    Fargate,
    /// Public addresses of those tasks.
    Addresses,
    /// Requests to CloudWatch.
    CloudWatch,
    /// Requests to S3.
    S3,
}

impl PartName {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            PartName::Instances => "instances",
            PartName::Fargate => "Fargate",
            PartName::Addresses => "addresses",
            PartName::CloudWatch => "CloudWatch",
            PartName::S3 => "S3",
        }
    }
}

/// What a run may cost, and how far that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// In US dollars.
    pub usd: f64,
    /// What ending would cost now, in US dollars.
    pub ending_usd: f64,
    /// How long it lasts, in milliseconds, if all goes on as it is now; none: for ever.
    pub left_ms: Option<Millis>,
    /// Whether it ended the run.
    pub ended_the_run: bool,
}

/// What a budget says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Enough,
    /// It is used up in so many milliseconds.
    Soon(Millis),
    /// The run must end now, so that it is not passed.
    Over,
}

impl Budget {
    /// What follows from it now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.left_ms {
            Some(0) => Verdict::Over,
            Some(left) if left <= SOON_MS => Verdict::Soon(left),
            _ => Verdict::Enough,
        }
    }

    /// How much of it is used with this, from 0 to 1.
    #[must_use]
    pub fn share(&self, so_far_usd: f64) -> f64 {
        if self.usd > 0.0 {
            ((so_far_usd + self.ending_usd) / self.usd).clamp(0.0, 1.0)
        } else {
            1.0
        }
    }
}

/// Requests of one kind: their part, their price, how many, and how often an agent asks.
type Row = (PartName, &'static str, fn(&Requests) -> u64, Option<Millis>);

/// A bill in the making.
struct Sum<'a> {
    prices: &'a Prices,
    bill: Bill,
    estimated_usd: f64,
}

impl Sum<'_> {
    fn add(&mut self, name: PartName, so_far: f64, per_hour: f64, estimate: bool) {
        if so_far <= 0.0 && per_hour <= 0.0 {
            return;
        }
        self.bill.so_far_usd += so_far;
        self.bill.per_hour_usd += per_hour;
        if estimate {
            self.estimated_usd += so_far.max(per_hour);
        }
        match self.bill.parts.iter_mut().find(|part| part.name == name) {
            Some(part) => {
                part.so_far_usd += so_far;
                part.per_hour_usd += per_hour;
                part.estimate |= estimate;
            }
            None => self.bill.parts.push(Part {
                name,
                so_far_usd: so_far,
                per_hour_usd: per_hour,
                estimate,
            }),
        }
    }

    fn unknown(&mut self, key: &str) {
        let words = if key == UNNAMED {
            "what the group's instances are is unknown, and so is their price".to_owned()
        } else {
            self.prices.unknown(key)
        };
        if !self.bill.unknown.contains(&words) {
            self.bill.unknown.push(words);
        }
    }

    /// So many requests so far and an hour, each of a thousandth of a price.
    fn requests(&mut self, name: PartName, key: &str, so_far: f64, per_hour: f64, estimate: bool) {
        if so_far <= 0.0 && per_hour <= 0.0 {
            return;
        }
        match self.prices.get(key) {
            Some(price) => self.add(name, so_far * price / 1e3, per_hour * price / 1e3, estimate),
            None => self.unknown(key),
        }
    }
}

impl Meter {
    /// What was used, in money. `shape` is what a task on Fargate is, where the run's
    /// are there; none on instances.
    #[must_use]
    pub fn bill(&self, prices: &Prices, shape: Option<&Shape>) -> Bill {
        let used = self.used();
        let mut sum = Sum { prices, bill: Bill::default(), estimated_usd: 0.0 };
        self.bill_machines(&mut sum);
        if let Some(shape) = shape {
            let (hours, tasks) = (used.task_ms as f64 / HOUR_MS, f64::from(self.tasks()));
            match task_hour(prices, shape) {
                Ok(price) => sum.add(PartName::Fargate, hours * price, tasks * price, shape.spot),
                Err(key) if used.task_ms > 0 || self.tasks() > 0 => sum.unknown(key),
                Err(_) => {}
            }
            if shape.public_address {
                match prices.get(prices::ADDRESS) {
                    Some(price) => {
                        sum.add(PartName::Addresses, hours * price, tasks * price, false);
                    }
                    None => sum.unknown(prices::ADDRESS),
                }
            }
        }
        self.bill_requests(&mut sum);
        let spot = sum.bill.parts.iter().any(|part| {
            part.estimate && matches!(part.name, PartName::Instances | PartName::Fargate)
        });
        sum.bill.estimate = spot || sum.estimated_usd >= VISIBLE_USD;
        sum.bill
    }

    fn bill_machines(&self, sum: &mut Sum<'_>) {
        let (used, kinds) = (self.used(), self.kinds());
        let keys: std::collections::BTreeSet<&String> =
            used.machine_ms.keys().chain(kinds.keys()).collect();
        for key in keys {
            let hours = |ms: Option<&Millis>| ms.map_or(0.0, |ms| *ms as f64 / HOUR_MS);
            let (so_far, before) =
                (hours(used.machine_ms.get(key)), hours(used.before_ms.get(key)));
            let now = f64::from(kinds.get(key).copied().unwrap_or(0));
            match sum.prices.instance(key) {
                Some((price, estimate)) => {
                    sum.add(PartName::Instances, so_far * price, now * price, estimate);
                    sum.bill.before_usd += before * price;
                }
                None => sum.unknown(key),
            }
        }
    }

    fn bill_requests(&self, sum: &mut Sum<'_>) {
        let used = self.used();
        // What we ask for comes at a steady pace, so its mean is its rate.
        let hours = (used.until - used.from) as f64 / HOUR_MS;
        let agents = f64::from(self.agents);
        let rate = |every: Option<Millis>| {
            every.map_or(0.0, |every| agents * HOUR_MS / every.max(1) as f64)
        };
        let rows: [Row; 4] = [
            (PartName::CloudWatch, prices::PUT_METRICS, |it| it.put_metrics, self.pace.report_ms),
            (PartName::CloudWatch, prices::GET_METRICS, |it| it.get_metrics, None),
            (PartName::S3, prices::S3_PUT, |it| it.puts, self.pace.results_ms),
            (PartName::S3, prices::S3_GET, |it| it.gets, self.pace.poll_ms),
        ];
        for (name, key, of, pace) in rows {
            let ours = of(&used.ours) as f64;
            let ours_rate = if hours > 0.0 { ours / hours } else { 0.0 };
            sum.requests(name, key, ours, ours_rate, false);
            let theirs = of(&used.agents) as f64 / MICRO as f64;
            sum.requests(name, key, theirs, rate(pace), true);
        }
    }

    /// How far a budget is, for a run of this bill that takes `to_zero` milliseconds from
    /// being told to end until nothing of it is left. `coming` tasks on Fargate may be
    /// placed although it was told. Its end costs what runs until then, the minute that
    /// AWS charges at least, and the reading of the results.
    #[must_use]
    pub fn budget(
        &self,
        usd: f64,
        bill: &Bill,
        (prices, shape): (&Prices, Option<&Shape>),
        to_zero: Millis,
        coming: u32,
    ) -> Budget {
        let to_zero = to_zero + MARGIN_MS;
        let (machines, tasks) = self.shortfall(self.used().until + to_zero);
        let machines: f64 = machines
            .iter()
            .filter_map(|(key, ms)| Some(prices.instance(key)?.0 * *ms as f64 / HOUR_MS))
            .sum();
        let task = shape.map_or(0.0, |shape| {
            let address = prices.get(prices::ADDRESS).filter(|_| shape.public_address);
            task_hour(prices, shape).unwrap_or(0.0) + address.unwrap_or(0.0)
        });
        let each = super::LEAST_MS.max(to_zero) as f64;
        let tasks = tasks as f64 + f64::from(coming) * each;
        let ending_usd = bill.per_hour_usd * to_zero as f64 / HOUR_MS
            + machines
            + task * tasks / HOUR_MS
            + reading(self.used(), self.agents, prices);
        let left_usd = usd - bill.so_far_usd - ending_usd;
        let left_ms = if left_usd <= 0.0 {
            Some(0)
        } else if bill.per_hour_usd > 0.0 {
            Some(((left_usd / bill.per_hour_usd * HOUR_MS) as Millis).max(1))
        } else {
            None
        };
        Budget { usd, ending_usd, left_ms, ended_the_run: false }
    }
}

/// What reading all parts of the results costs.
fn reading(used: &Used, agents: u32, prices: &Prices) -> f64 {
    let parts = used.agents.puts / MICRO + u64::from(agents);
    parts as f64 * prices.get(prices::S3_GET).unwrap_or(0.0) / 1e3
}

/// `$1.23`, `$1,234`, `$0.004`; nothing is `$0.00`.
#[must_use]
pub fn dollars(usd: f64) -> String {
    let usd = if usd.is_finite() { usd.max(0.0) } else { 0.0 };
    if usd >= 999.995 {
        let whole = (usd.round() as u64).to_string();
        let mut text = String::new();
        for (nth, digit) in whole.chars().enumerate() {
            if nth > 0 && (whole.len() - nth).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        format!("${text}")
    } else if usd >= 0.01 || usd == 0.0 {
        format!("${usd:.2}")
    } else if usd >= 0.0005 {
        format!("${usd:.3}")
    } else {
        "<$0.001".to_owned()
    }
}
