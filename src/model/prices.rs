//! What AWS charges, by region, and what the user says it does.
//!
//! Invariant: a figure that is in neither is unknown, never zero and never another
//! region's: whoever asks must say so. The table is part of the program
//! (`assets/prices.toml`) and is read once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use toml::{Table, Value};

/// One vCPU of a Fargate task for an hour.
pub const FARGATE_VCPU: &str = "fargate.vcpu-hour";
/// One GB of memory of a Fargate task for an hour.
pub const FARGATE_GB: &str = "fargate.gb-hour";
/// The same on Fargate Spot.
pub const SPOT_VCPU: &str = "fargate-spot.vcpu-hour";
/// The same on Fargate Spot.
pub const SPOT_GB: &str = "fargate-spot.gb-hour";
/// One public IPv4 address for an hour.
pub const ADDRESS: &str = "address-hour";
/// A thousand PutMetricData requests.
pub const PUT_METRICS: &str = "put-metric-data";
/// A thousand metrics asked for by GetMetricData.
pub const GET_METRICS: &str = "get-metric-data";
/// A thousand S3 requests that write or list.
pub const S3_PUT: &str = "s3-put";
/// A thousand S3 requests that read.
pub const S3_GET: &str = "s3-get";

/// The keys that are no instance types.
pub const KEYS: [&str; 9] = [
    FARGATE_VCPU,
    FARGATE_GB,
    SPOT_VCPU,
    SPOT_GB,
    ADDRESS,
    PUT_METRICS,
    GET_METRICS,
    S3_PUT,
    S3_GET,
];

/// Before an instance type: its price as a Spot instance.
pub const SPOT: &str = "spot.";
/// The table with what is the same in every region.
const EVERYWHERE: &str = "everywhere";

static TABLE: LazyLock<BTreeMap<String, BTreeMap<String, f64>>> = LazyLock::new(|| {
    let table: Table =
        include_str!("../../assets/prices.toml").parse().expect("a test reads the table");
    table.iter().map(|(region, prices)| (region.clone(), flat(prices))).collect()
});

/// The prices of one region, in US dollars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices {
    /// Of which.
    pub region: String,
    by_key: BTreeMap<String, f64>,
}

/// A price that cannot be set so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadPrice {
    /// There is no such thing.
    #[error(
        "`{key}` is no price: say an instance type (c5.large; spot.c5.large for Spot), or one of {}",
        KEYS.join(", ")
    )]
    Unknown {
        /// What was written.
        key: String,
    },
    /// No amount of money.
    #[error("`{key}` is {price}: say US dollars, 0 or more")]
    Amount {
        /// The price's key.
        key: String,
        /// What was written.
        price: f64,
    },
}

impl BadPrice {
    /// The key that it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            BadPrice::Unknown { key } | BadPrice::Amount { key, .. } => key,
        }
    }
}

/// Whether all of these can be set, or the first that cannot.
pub fn check_overrides(prices: &BTreeMap<String, f64>) -> Result<(), BadPrice> {
    for (key, &price) in prices {
        let instance = key.strip_prefix(SPOT).unwrap_or(key);
        if !KEYS.contains(&key.as_str()) && !is_instance_type(instance) {
            return Err(BadPrice::Unknown { key: key.clone() });
        }
        if !price.is_finite() || price < 0.0 {
            return Err(BadPrice::Amount { key: key.clone(), price });
        }
    }
    Ok(())
}

/// `c5.large`, `c6gn.metal`, `u7i-12tb.224xlarge`: how instance types are written.
fn is_instance_type(key: &str) -> bool {
    let Some((family, size)) = key.split_once('.') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sizes = ["nano", "micro", "small", "medium", "large", "metal"];
    family.starts_with(|c: char| c.is_ascii_lowercase())
        && family.chars().all(plain)
        && size.chars().all(plain)
        && sizes.iter().any(|it| size.ends_with(it) || size.starts_with("metal"))
}

impl Prices {
    /// The prices of a region, with the user's own over them.
    #[must_use]
    pub fn of(region: &str, overrides: &BTreeMap<String, f64>) -> Self {
        let tables = [EVERYWHERE, region].map(|name| TABLE.get(name));
        let mut by_key: BTreeMap<String, f64> = tables
            .into_iter()
            .flatten()
            .flatten()
            .map(|(key, price)| (key.clone(), *price))
            .collect();
        by_key.extend(overrides.iter().map(|(key, price)| (key.clone(), *price)));
        Prices { region: region.to_owned(), by_key }
    }

    /// What things cost at a site; none: nothing. Where nothing does, the user's own
    /// prices make it cost.
    #[must_use]
    pub fn at(costs: bool, region: &str, own: &BTreeMap<String, f64>) -> Option<Arc<Self>> {
        (costs || !own.is_empty()).then(|| Arc::new(Self::of(region, own)))
    }

    /// A price; none: it is unknown.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<f64> {
        self.by_key.get(key).copied()
    }

    /// What an hour of an instance costs, by its key (`c5.large`, `spot.c5.large`), and
    /// whether that is an estimate. What a Spot instance costs is known to its owner
    /// alone: without their word it is what it costs at most, the price on demand.
    #[must_use]
    pub fn instance(&self, key: &str) -> Option<(f64, bool)> {
        match key.strip_prefix(SPOT) {
            None => self.get(key).map(|price| (price, false)),
            Some(kind) => self.get(key).or_else(|| self.get(kind)).map(|price| (price, true)),
        }
    }

    /// What to say of a price that is unknown.
    #[must_use]
    pub fn unknown(&self, key: &str) -> String {
        let key = key.strip_prefix(SPOT).unwrap_or(key);
        format!("price of {key} in {} unknown: set it in [prices]", self.region)
    }

    /// The regions that the table has something of.
    #[must_use]
    pub fn regions() -> BTreeSet<&'static str> {
        TABLE.keys().map(String::as_str).filter(|it| *it != EVERYWHERE).collect()
    }
}

/// `{c5: {large: 0.085}}` as `{"c5.large": 0.085}`.
fn flat(value: &Value) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((key, value)) = open.pop() {
        match value {
            Value::Table(table) => {
                let dot = if key.is_empty() { "" } else { "." };
                open.extend(table.iter().map(|(name, it)| (format!("{key}{dot}{name}"), it)));
            }
            Value::Float(price) => {
                found.insert(key, *price);
            }
            Value::Integer(price) => {
                found.insert(key, *price as f64);
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices<const N: usize>(prices: [(&str, f64); N]) -> BTreeMap<String, f64> {
        prices.map(|(key, price)| (key.to_owned(), price)).into()
    }

    #[test]
    fn every_figure_of_the_table_is_one_that_could_be_set() {
        let text = include_str!("../../assets/prices.toml");
        let written = text.lines().filter(|it| !it.starts_with('#') && it.contains(" = ")).count();
        let read: usize = TABLE.values().map(BTreeMap::len).sum();
        assert_eq!(read, written, "a line of the table is no price");
        for (region, prices) in TABLE.iter() {
            assert_eq!(check_overrides(prices), Ok(()), "{region}");
            assert!(prices.values().all(|price| *price > 0.0), "{region} gives something away");
        }
        assert!(Prices::regions().contains("eu-central-1"));
    }

    #[test]
    fn regions_differ_and_what_is_missing_is_unknown() {
        let of = |region| Prices::of(region, &BTreeMap::new());
        assert_eq!(of("us-east-1").get(FARGATE_VCPU), Some(0.04048));
        assert_eq!(of("eu-central-1").get(FARGATE_VCPU), Some(0.04656));
        assert_eq!(of("us-east-1").instance("c5.large"), Some((0.085, false)));
        assert_eq!(of("eu-central-1").instance("c5.large"), None, "no other region's");
        let nowhere = of("eu-west-9");
        assert_eq!((nowhere.get(FARGATE_VCPU), nowhere.get(ADDRESS)), (None, Some(0.005)));
        assert_eq!(
            nowhere.unknown("c9.xlarge"),
            "price of c9.xlarge in eu-west-9 unknown: set it in [prices]"
        );
    }

    #[test]
    fn the_users_own_prices_win() {
        let own = prices([("c5.large", 0.05), ("c9.xlarge", 0.3), ("fargate.vcpu-hour", 0.03)]);
        let prices = Prices::of("us-east-1", &own);
        assert_eq!(prices.instance("c5.large"), Some((0.05, false)));
        assert_eq!(prices.instance("c9.xlarge"), Some((0.3, false)));
        assert_eq!(prices.get(FARGATE_VCPU), Some(0.03));
        assert_eq!(prices.get(FARGATE_GB), Some(0.004_445), "the others stay");
    }

    #[test]
    fn spot_is_an_estimate_at_most_the_price_on_demand() {
        let prices_ = Prices::of("us-east-1", &BTreeMap::new());
        assert_eq!(prices_.instance("spot.c5.large"), Some((0.085, true)));
        let own = Prices::of("us-east-1", &prices([("spot.c5.large", 0.03)]));
        assert_eq!(own.instance("spot.c5.large"), Some((0.03, true)));
        assert_eq!(prices_.instance("spot.c9.large"), None);
    }

    #[test]
    fn what_cannot_be_set_is_named_with_what_can() {
        for key in ["c5.large", "spot.m7g.2xlarge", "u7i-12tb.224xlarge", "c8g.metal-24xl", S3_GET]
        {
            assert_eq!(check_overrides(&prices([(key, 0.1)])), Ok(()), "{key}");
        }
        for key in ["c5", "c5.huge", "C5.large", "fargate.cpu-hour", "address", "spot.fargate"] {
            let error = check_overrides(&prices([(key, 0.1)])).expect_err(key);
            let text = error.to_string();
            assert!(
                text.contains(&format!("`{key}`")) && text.contains("fargate.vcpu-hour"),
                "{text}"
            );
            assert_eq!(error.key(), key);
        }
        for price in [-0.1, f64::NAN, f64::INFINITY] {
            let error = check_overrides(&prices([("c5.large", price)])).expect_err("no amount");
            assert!(error.to_string().contains("US dollars"), "{error}");
        }
    }
}
