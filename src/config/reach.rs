//! How AWS is reached: by the keys of a local cloud, or as AWS's own tools do it.
//!
//! Invariant: this is asked only once a cluster is named. Keys are read from the
//! environment only for a plain endpoint on loopback; all others are the SDK's affair.

use std::net::IpAddr;

use http::Uri;

use super::Lookup;
use crate::cloud::{Access, Endpoint};

/// Variables that send one service elsewhere: then the SDK must look for itself.
const OF_ONE_SERVICE: &str = "AWS_ENDPOINT_URL_";
/// The services that are asked, as those variables name them.
const SERVICES: [&str; 8] =
    ["ECS", "AUTO_SCALING", "CLOUDWATCH", "S3", "STS", "IAM", "EC2", "SERVICE_QUOTAS"];

/// How AWS is reached, and what is known of that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reach {
    /// How.
    pub(crate) access: Access,
    /// Where ECS is, if that was said; none: Amazon's own, or where the profile says.
    pub(crate) address: Option<Address>,
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port.
    pub(crate) host: String,
    /// Whether that is this machine.
    pub(crate) is_loopback: bool,
    is_plain: bool,
}

/// What is wrong: with which variable, and why.
pub(super) type Wrong = (&'static str, String);

/// What was named besides the environment.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The region, wherever it was said.
    pub(super) region: Option<String>,
    /// The profile of the command line.
    pub(super) profile_by_flag: Option<String>,
    /// The profile of the file.
    pub(super) profile_by_file: Option<String>,
}

impl Reach {
    /// What environment and names say.
    pub(super) fn of(named: Named, lookup: Lookup<'_>) -> Result<Self, Wrong> {
        let lookup = |name: &str| lookup(name).filter(|it| !it.is_empty());
        let of_service = |name: &str| lookup(&format!("{OF_ONE_SERVICE}{name}"));
        let ignores = lookup("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let general = lookup("AWS_ENDPOINT_URL");
        let of_ecs = of_service("ECS").map(|url| ("AWS_ENDPOINT_URL_ECS", url));
        let of_all = general.clone().map(|url| ("AWS_ENDPOINT_URL", url));
        let address = match of_ecs.or(of_all).filter(|_| !ignores) {
            Some((name, url)) => Some(Address::of(&url).map_err(|why| (name, why))?),
            None => None,
        };
        let is_local = address.as_ref().is_some_and(|it| it.is_loopback && it.is_plain)
            && !SERVICES.iter().any(|it| of_service(it).is_some());
        let keys = (lookup("AWS_ACCESS_KEY_ID"), lookup("AWS_SECRET_ACCESS_KEY"));
        let by_variable = lookup("AWS_PROFILE").is_some();
        let has_profile = by_variable || named.profile_by_file.is_some();
        let has_keys = keys.0.is_some() && keys.1.is_some();
        if let Some(url) = general
            .filter(|_| is_local && named.profile_by_flag.is_none() && (has_keys || !has_profile))
        {
            let missing =
                |name| (name, "is not set; evaluate all that `loadtop local` prints".to_owned());
            let endpoint = Endpoint {
                url,
                region: named.region.ok_or_else(|| missing("AWS_REGION"))?,
                access_key: keys.0.ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?,
                secret_key: keys.1.ok_or_else(|| missing("AWS_SECRET_ACCESS_KEY"))?,
            };
            return Ok(Reach { access: Access::Keys(endpoint), address });
        }
        // The SDK knows AWS_PROFILE itself, and which keys come before it.
        let by_file = named.profile_by_file.filter(|_| !by_variable);
        let profile = named.profile_by_flag.or(by_file);
        Ok(Reach { access: Access::Tools { region: named.region, profile }, address })
    }

    /// Whether this is an endpoint with keys of its own, as `loadtop local` prints them.
    pub(crate) fn is_by_keys(&self) -> bool {
        matches!(self.access, Access::Keys(_))
    }

    /// Whether ECS is on this machine, where nothing costs anything.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.as_ref().is_some_and(|it| it.is_loopback)
    }

    /// What the screen calls it.
    pub(crate) fn label(&self) -> String {
        let region = match &self.access {
            Access::Tools { region: Some(region), .. } => format!(" {region}"),
            _ => String::new(),
        };
        let host = self.address.as_ref().map(|it| format!(" at {}", it.host));
        format!("ECS{region}{}", host.unwrap_or_default())
    }
}

impl Address {
    fn of(url: &str) -> Result<Self, String> {
        let wrong = || "is no http:// or https:// URL such as http://127.0.0.1:4000".to_owned();
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_plain = uri.scheme_str() == Some("http");
        if !is_plain && uri.scheme_str() != Some("https") {
            return Err(wrong());
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("has a name or password in it; AWS signs requests instead: leave them out"
                .to_owned());
        }
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = address.map_or(host == "localhost", |address| address.is_loopback());
        Ok(Address { host: authority.to_string(), is_loopback, is_plain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];
    const LOCAL: (&str, &str) = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4000");

    fn reach(flag: &str, file: &str, variables: &[(&str, &str)]) -> Result<Reach, Wrong> {
        let given = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
        let named = Named {
            region: Some("r".to_owned()),
            profile_by_flag: given(flag),
            profile_by_file: given(file),
        };
        Reach::of(named, &|name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn at(url: &str) -> Result<Reach, Wrong> {
        reach("", "", &[&KEYS[..], &[("AWS_ENDPOINT_URL", url)]].concat())
    }

    #[test]
    fn keys_are_for_plain_endpoints_on_loopback() {
        for (url, label) in [
            ("http://127.0.0.1:4000", "ECS at 127.0.0.1:4000"),
            ("http://127.9.9.9:1/", "ECS at 127.9.9.9:1"),
            ("http://[::1]:4000", "ECS at [::1]:4000"),
            ("http://localhost:4000", "ECS at localhost:4000"),
        ] {
            let reach = at(url).expect(url);
            assert!(reach.is_by_keys() && reach.is_loopback(), "{url}");
            assert_eq!(reach.label(), label);
        }
        for (url, is_loopback) in [
            ("https://127.0.0.1:4000", true),
            ("http://10.0.0.1:4000", false),
            ("http://127.0.0.1.example:80", false),
            ("http://localhost.example:80", false),
        ] {
            let reach = at(url).expect(url);
            assert!(!reach.is_by_keys(), "{url}");
            assert_eq!(reach.is_loopback(), is_loopback, "{url}");
            assert!(reach.label().starts_with("ECS r at "), "{}", reach.label());
        }
        let amazon = at("").expect("no endpoint at all");
        assert_eq!((amazon.label(), amazon.is_loopback()), ("ECS r".to_owned(), false));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_and_not_shown() {
        for url in ["127.0.0.1:4000", "ftp://127.0.0.1", "http://u:hunter2@127.0.0.1:1", "http://"]
        {
            let (name, why) = at(url).expect_err(url);
            assert_eq!(name, "AWS_ENDPOINT_URL");
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn what_only_the_sdk_understands_is_left_to_it() {
        let local = [&KEYS[..], &[LOCAL]].concat();
        let with = |more: (&str, &str)| {
            reach("", "", &[&local[..], &[more]].concat()).expect("fine").is_by_keys()
        };
        assert!(with(("AWS_PROFILE", "p")), "keys come before AWS_PROFILE, as with AWS's tools");
        assert!(!with(("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:1")));
        assert!(with(("AWS_SESSION_TOKEN", "t")), "left over from elsewhere");
        assert!(!with(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")));
    }

    #[test]
    fn the_profile_is_the_flags_then_the_variables_then_the_files() {
        let profile = |flag, file, variables: &[(&str, &str)]| match reach(flag, file, variables) {
            Ok(Reach { access: Access::Tools { profile, .. }, .. }) => profile,
            other => panic!("{other:?}"),
        };
        let variable = [("AWS_PROFILE", "v")];
        assert_eq!(profile("f", "t", &variable).as_deref(), Some("f"));
        assert_eq!(profile("", "t", &variable), None, "the SDK reads AWS_PROFILE itself");
        assert_eq!(profile("", "t", &[]).as_deref(), Some("t"));
        assert_eq!(profile("", "", &[]), None);
        // With an endpoint on loopback: the flag comes before keys, the file after them.
        let local = [&KEYS[..], &[LOCAL]].concat();
        assert_eq!(profile("f", "", &local).as_deref(), Some("f"));
        assert!(reach("", "t", &local).expect("fine").is_by_keys());
        assert_eq!(profile("", "t", &[LOCAL]).as_deref(), Some("t"));
    }

    #[test]
    fn missing_keys_are_named_and_none_is_shown() {
        let half = [LOCAL, KEYS[0]];
        let (name, why) = reach("", "", &half).expect_err("no secret key");
        assert_eq!(name, "AWS_SECRET_ACCESS_KEY");
        assert!(why.contains("evaluate all that `loadtop local` prints"), "{why}");
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter2"), LOCAL];
        let shown = format!("{:?}", reach("", "", &keys).expect("fine"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
