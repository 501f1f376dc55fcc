//! What values must be like, as AWS documents it.
//!
//! Invariant: a refusal says what would be right; nothing is looked up. What is well
//! formed may still not exist: that is the doctor's to say.

use std::collections::BTreeMap;

/// A rule: why the text is refused.
pub(super) type Verdict = Result<(), String>;

/// Sizes of a Fargate task: CPU units; least and most memory in MiB, and its steps. The
/// smallest also has 512 MiB.
const FARGATE: [(u32, u32, u32, u32); 7] = [
    (256, 1024, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];
/// CPU units of a task on an instance: the smallest share, and 192 vCPU.
const CPU: (u32, u32) = (128, 196_608);
/// The least memory that a container can have, in MiB.
const MEMORY: u32 = 6;
/// Tags that a user may have: ECS has 50, and some are loadtop's own.
const TAGS: usize = 40;

/// Whether all characters are letters, digits, or one of these.
fn made_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// The name of a cluster, a family or a container.
pub(super) fn name(text: &str) -> Verdict {
    let fits = (1..=255).contains(&text.len()) && made_of(text, "-_");
    refuse_unless(fits, "a name has 1 to 255 letters, digits, hyphens and underscores; no ARN")
}

/// The name of an Auto Scaling group.
pub(super) fn group(text: &str) -> Verdict {
    let fits = (1..=255).contains(&text.chars().count()) && !text.contains(':');
    refuse_unless(fits, "say the group's name, 1 to 255 characters without a colon; no ARN")
}

/// The name of a profile.
pub(super) fn profile(text: &str) -> Verdict {
    refuse_unless(!text.trim().is_empty(), "say the name of a profile in ~/.aws/config")
}

/// A region.
pub(super) fn region(text: &str) -> Verdict {
    let is_region = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        let is_word =
            |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        match parts.split_last() {
            Some((number, words)) => {
                let counts = number.len() == 1 && number.chars().all(|c| c.is_ascii_digit());
                counts && words.len() >= 2 && words.iter().all(is_word)
            }
            None => false,
        }
    };
    if is_region(text) {
        return Ok(());
    }
    let zone = text.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|it| is_region(it));
    Err(match zone {
        Some(region) => format!("{text} is an availability zone; say its region, {region}"),
        None => format!("{text:?} is no region; say one such as eu-central-1"),
    })
}

/// The name of a bucket.
pub(super) fn bucket(text: &str) -> Verdict {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.starts_with("s3:") || text.starts_with("arn:") {
        return Err("say the bucket's name alone, without s3:// and without a path".to_owned());
    }
    let is_name = (3..=63).contains(&text.len())
        && text.chars().all(|c| is_plain(c) || c == '-' || c == '.')
        && text.starts_with(is_plain)
        && text.ends_with(is_plain);
    if !is_name {
        return Err("a bucket's name has 3 to 63 small letters, digits, hyphens and dots, and \
                    begins and ends with a letter or digit"
            .to_owned());
    }
    let is_address = text.parse::<std::net::Ipv4Addr>().is_ok();
    let reserved_start = ["xn--", "sthree-", "amzn-s3-demo-"];
    let reserved_end = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    if text.contains("..") || is_address {
        return Err("a bucket's name has no two dots together and is no IP address".to_owned());
    }
    let reserved = reserved_start.iter().find(|it| text.starts_with(**it));
    match reserved.or_else(|| reserved_end.iter().find(|it| text.ends_with(**it))) {
        Some(part) => Err(format!("S3 keeps names with {part} for itself")),
        None => Ok(()),
    }
}

/// The id of a subnet.
pub(super) fn subnet(text: &str) -> Verdict {
    id(text, "subnet-")
}

/// The id of a security group.
pub(super) fn security_group(text: &str) -> Verdict {
    id(text, "sg-")
}

fn id(text: &str, prefix: &str) -> Verdict {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    let fits =
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let why = format!("{text:?} is no id; say one such as {prefix}0123456789abcdef0");
    refuse_unless(fits, &why)
}

/// The ARN of a role.
pub(super) fn role(text: &str) -> Verdict {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let fits = match parts[..] {
        ["arn", partition, "iam", "", account, resource] => {
            let name = resource.strip_prefix("role/").unwrap_or_default();
            partition.starts_with("aws")
                && account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && !name.is_empty()
                && made_of(name, "+=,.@-_/")
        }
        _ => false,
    };
    refuse_unless(fits, "say the ARN of a role, such as arn:aws:iam::123456789012:role/NAME")
}

/// A task definition: its family, with its revision if one is meant, or its ARN.
pub(super) fn definition(text: &str) -> Verdict {
    let of_arn = text.split_once(":task-definition/").filter(|_| text.starts_with("arn:aws"));
    let named = of_arn.map_or(text, |(_, named)| named);
    let (family, revision) = named.split_once(':').unwrap_or((named, "1"));
    let revises = revision.parse().is_ok_and(|it: u32| it > 0);
    refuse_unless(
        name(family).is_ok() && revises,
        "say a family, or family and revision, such as my-device or my-device:3",
    )
}

/// An image.
pub(super) fn image(text: &str) -> Verdict {
    let fits = (1..=255).contains(&text.len()) && made_of(text, "-_:./#@");
    let why = "say an image such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/loadtop:1";
    refuse_unless(fits, why)
}

/// Whether an image is in a private registry of ECR, which asks who pulls.
pub(super) fn is_of_ecr(image: &str) -> bool {
    image.split('/').next().is_some_and(|host| host.contains(".dkr.ecr."))
}

/// The name of a log group.
pub(super) fn log_group(text: &str) -> Verdict {
    let fits = (1..=512).contains(&text.len()) && made_of(text, "-_/.#");
    refuse_unless(fits, "a log group's name has 1 to 512 letters, digits and - _ / . #")
}

/// How long a container may take to end, in seconds.
pub(super) fn stop_timeout(time: std::time::Duration) -> Result<u32, String> {
    let seconds = time.as_secs();
    match u32::try_from(seconds) {
        Ok(whole @ 2..=120) if time.subsec_nanos() == 0 => Ok(whole),
        _ => Err("ECS takes whole seconds from 2 s to 120 s".to_owned()),
    }
}

/// CPU units and memory of a task, together: which of the two is wrong, and why.
pub(super) fn size(fargate: bool, cpu: u32, memory: u32) -> Result<(), (&'static str, String)> {
    if !fargate {
        if !(CPU.0..=CPU.1).contains(&cpu) {
            let (least, most) = CPU;
            return Err(("cpu", format!("{cpu}: say {least} to {most} units; 1024 are a vCPU")));
        }
        if memory < MEMORY {
            return Err(("memory", format!("{memory}: at least {MEMORY} MiB")));
        }
        return Ok(());
    }
    let Some((_, least, most, step)) = FARGATE.iter().find(|it| it.0 == cpu) else {
        let sizes: Vec<String> = FARGATE.iter().map(|it| it.0.to_string()).collect();
        return Err(("cpu", format!("{cpu}: Fargate has {} units", one_of(&sizes))));
    };
    let fits = (*least..=*most).contains(&memory) && memory.is_multiple_of(*step);
    if fits || (cpu, memory) == (256, 512) {
        return Ok(());
    }
    let mut sizes: Vec<String> =
        (*least..=*most).step_by(*step as usize).map(|it| it.to_string()).collect();
    if cpu == 256 {
        sizes.insert(0, "512".to_owned());
    }
    let sizes = if sizes.len() > 8 {
        format!("{least} to {most} MiB in steps of {step}")
    } else {
        format!("{} MiB", one_of(&sizes))
    };
    Err(("memory", format!("{memory}: Fargate gives {cpu} CPU units {sizes}")))
}

fn one_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// A tag.
pub(super) fn tag(key: &str, value: &str) -> Verdict {
    let allowed = |text: &str| {
        text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c))
    };
    let small = key.to_lowercase();
    if small.starts_with("aws:") || small.starts_with("loadtop:") {
        return Err("AWS and loadtop keep keys that begin so for themselves".to_owned());
    }
    if !(1..=128).contains(&key.chars().count()) {
        return Err("a tag's key has 1 to 128 characters".to_owned());
    }
    if value.chars().count() > 256 {
        return Err("a tag's value has at most 256 characters".to_owned());
    }
    refuse_unless(
        allowed(key) && allowed(value),
        "tags have letters, digits, spaces and + - = . _ : / @",
    )
}

/// How many tags there are.
pub(super) fn tags<T>(tags: &BTreeMap<String, T>) -> Verdict {
    let many = tags.len();
    let why = format!("{many} tags; ECS takes 50 and loadtop sets some itself: at most {TAGS}");
    refuse_unless(many <= TAGS, &why)
}

/// An amount of dollars that may be spent.
pub(crate) fn budget(dollars: f64) -> Verdict {
    refuse_unless(
        dollars.is_finite() && dollars > 0.0,
        "say dollars, more than 0, such as 25 or 2.50",
    )
}

fn refuse_unless(fits: bool, why: &str) -> Verdict {
    if fits { Ok(()) } else { Err(why.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rule: fn(&str) -> Verdict, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(rule(text), Ok(()), "{text}");
        }
        for text in bad {
            assert!(rule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_aws() {
        table(name, &["c", "my_cluster-2"], &["", "a b", "arn:aws:ecs:r:1:cluster/c"]);
        table(group, &["asg", "a b/c (1)"], &["", "arn:aws:autoscaling:…"]);
        table(
            region,
            &["eu-central-1", "us-gov-west-1", "ap-southeast-5", "eusc-de-east-1"],
            &["", "eu", "eu-central", "EU-central-1", "eu-central-1a", "Frankfurt", "eu_central_1"],
        );
        assert!(
            region("eu-central-1a").is_err_and(|why| why.ends_with("its region, eu-central-1"))
        );
        table(
            bucket,
            &["abc", "my.bucket-1", "123"],
            &[
                "ab",
                "My-bucket",
                "-abc",
                "abc.",
                "a..b",
                "10.0.0.1",
                "xn--abc",
                "x-s3alias",
                "s3://abc",
                "a_b",
                "sthree-x",
                "a/b/c",
            ],
        );
        table(subnet, &["subnet-0123456789abcdef0", "subnet-12344321"], &["", "subnet-", "sg-1"]);
        table(security_group, &["sg-0a"], &["", "sg-", "subnet-1", "default"]);
        table(
            role,
            &["arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/path/r"],
            &[
                "r",
                "arn:aws:iam::1234:role/r",
                "arn:aws:iam::123456789012:user/r",
                "arn:aws:iam::123456789012:role/",
                "arn:aws:sts::123456789012:role/r",
            ],
        );
        table(
            definition,
            &["d", "d:3", "arn:aws:ecs:eu-central-1:123456789012:task-definition/d:3"],
            &["", "d:", "d:0", "d:latest", "a b", "d:1:2"],
        );
        table(image, &["loadtop", "ghcr.io/a/b:1.2", "a@sha256:00"], &["", "a b", "a;b"]);
        table(log_group, &["/ecs/loadtop"], &["", "a b"]);
    }

    #[test]
    fn fargate_has_sizes() {
        for (cpu, memory) in [
            (256, 512),
            (256, 1024),
            (512, 4096),
            (1024, 2048),
            (4096, 30_720),
            (8192, 20_480),
            (16_384, 122_880),
        ] {
            assert_eq!(size(true, cpu, memory), Ok(()), "{cpu} {memory}");
        }
        for (cpu, memory, key, says) in [
            (300, 512, "cpu", "256, 512, 1024, 2048, 4096, 8192 or 16384"),
            (256, 4096, "memory", "512, 1024 or 2048 MiB"),
            (256, 768, "memory", "512, 1024 or 2048 MiB"),
            (512, 512, "memory", "1024, 2048, 3072 or 4096 MiB"),
            (2048, 2048, "memory", "4096 to 16384 MiB in steps of 1024"),
            (8192, 17_408, "memory", "16384 to 61440 MiB in steps of 4096"),
        ] {
            let (wrong, why) = size(true, cpu, memory).expect_err(says);
            assert_eq!(wrong, key);
            assert!(why.ends_with(says) || why.contains(says), "{why}");
        }
        assert_eq!(size(false, 300, 700), Ok(()));
        assert_eq!(size(false, 64, 700).expect_err("small").0, "cpu");
        assert_eq!(size(false, 128, 4).expect_err("small").0, "memory");
    }

    #[test]
    fn tags_are_the_users_own() {
        assert_eq!(tag("team", "load tests"), Ok(()));
        for (key, value) in [("aws:x", ""), ("Loadtop:run", ""), ("", ""), ("a", "{}")] {
            assert!(tag(key, value).is_err(), "{key}={value}");
        }
        assert!(tag(&"k".repeat(129), "").is_err() && tag("k", &"v".repeat(257)).is_err());
        assert_eq!(tag(&"k".repeat(128), &"v".repeat(256)), Ok(()));
        let many = |count| (0..count).map(|it| (format!("k{it}"), it)).collect::<BTreeMap<_, _>>();
        assert_eq!(tags(&many(40)), Ok(()));
        assert!(tags(&many(41)).is_err());
    }

    #[test]
    fn times_and_money_have_bounds() {
        let seconds = std::time::Duration::from_secs;
        assert_eq!((stop_timeout(seconds(2)), stop_timeout(seconds(120))), (Ok(2), Ok(120)));
        assert!(stop_timeout(seconds(1)).is_err() && stop_timeout(seconds(121)).is_err());
        assert!(stop_timeout(std::time::Duration::from_millis(2500)).is_err());
        assert_eq!(budget(0.01), Ok(()));
        for refused in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(budget(refused).is_err(), "{refused}");
        }
    }
}
