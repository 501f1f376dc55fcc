//! Every theme, measured: contrast, what can be told apart, and what is on the cells.

use ratatui::layout::Rect;

use super::{depth::Rgb, *};
use crate::{
    app::{
        fixtures::{self, NOW},
        state::App,
    },
    ui::paint,
};

const ROLES: [Role; 14] = [
    Role::Text,
    Role::Strong,
    Role::Dim,
    Role::Accent,
    Role::Ok,
    Role::Warn,
    Role::Error,
    Role::Focus,
    Role::P50,
    Role::P90,
    Role::P99,
    Role::Max,
    Role::Planned,
    Role::Connected,
];

fn theme(vars: &[(&str, &str)]) -> Theme {
    Theme::from_vars(|name| {
        vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn the_environment_says_what_the_terminal_can() {
    let of = |depth, has_unicode| Theme { depth, has_unicode, name: ThemeName::Sixteen };
    assert_eq!(theme(&[]), of(Depth::Sixteen, true));
    assert_eq!(theme(&[("COLORTERM", "truecolor")]), Theme::new(true, true));
    assert_eq!(theme(&[("TERM", "xterm-256color"), ("LANG", "C")]), of(Depth::Indexed, false));
    let german = theme(&[("LC_ALL", "de_DE.UTF-8"), ("LANG", "C")]);
    assert_eq!(german, of(Depth::Sixteen, true));
    assert_eq!(theme(&[("LANG", "en_US.utf8"), ("TERM", "linux")]), of(Depth::Sixteen, false));
    assert_eq!(theme(&[("TERM", "dumb")]), Theme::new(false, false));
}

/// Red, green and blue as light, 0 to 1.
fn linear(rgb: Rgb) -> [f64; 3] {
    [rgb.0, rgb.1, rgb.2].map(|it| {
        let value = f64::from(it) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

/// The contrast of the WCAG, 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |rgb| {
        let [r, g, b] = linear(rgb);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    if a > b { a / b } else { b / a }
}

/// As it is shown among 256 colours.
fn indexed(rgb: Rgb) -> Rgb {
    Rgb::of_index(rgb.nearest())
}

#[test]
fn every_role_can_be_read_on_its_background() {
    for name in ThemeName::ALL {
        let Some(colours) = colours::of(name) else { continue };
        let least = if name == ThemeName::HighContrast { 7.0 } else { 4.5 };
        for role in ROLES {
            let (text, background) = (colours.of(role), colours.background);
            for (text, background) in [(text, background), (indexed(text), indexed(background))] {
                let contrast = contrast(text, background);
                assert!(contrast >= least, "{name} {role:?}: {contrast:.2} of {text:?}");
            }
        }
    }
}

/// How a colour looks to who sees no green (deuteranopia) or no red (protanopia), after
/// Machado, Oliveira and Fernandes (2009).
const SIGHTS: [[[f64; 3]; 3]; 3] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ],
    [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ],
];

/// The distance of two colours in CIE Lab, as this sight sees them; 2 is just seen.
fn distance(sight: &[[f64; 3]; 3], a: Rgb, b: Rgb) -> f64 {
    let lab = |rgb| {
        let light = linear(rgb);
        let sum = |row: &[f64; 3]| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>();
        let [r, g, b] = [0, 1, 2].map(|nth| sum(&sight[nth]).clamp(0.0, 1.0));
        let bend = |it: f64| {
            if it > 0.008_856 { it.cbrt() } else { 7.787 * it + 16.0 / 116.0 }
        };
        let x = bend((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
        let y = bend(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = bend((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    };
    let (a, b) = (lab(a), lab(b));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// How near the nearest two of these roles are, to the worst sight.
fn nearest(colours: &Colours, roles: &[Role]) -> f64 {
    let pairs = roles
        .iter()
        .enumerate()
        .flat_map(|(nth, a)| roles[nth + 1..].iter().map(move |b| (*a, *b)));
    let all = pairs.flat_map(|(a, b)| {
        SIGHTS.iter().map(move |sight| distance(sight, colours.of(a), colours.of(b)))
    });
    all.fold(f64::MAX, f64::min)
}

#[test]
fn what_must_be_told_apart_can_be_without_red_and_green() {
    let colours = colours::of(ThemeName::ColourBlind).expect("its own");
    for roles in [
        &[Role::Ok, Role::Warn, Role::Error, Role::Dim][..],
        &[Role::P50, Role::P90, Role::P99, Role::Max],
        &[Role::Connected, Role::Planned, Role::Error],
    ] {
        let nearest = nearest(colours, roles);
        assert!(nearest >= 25.0, "{roles:?}: {nearest:.1}");
    }
    // The measure would see it: a red and a green of the same lightness.
    let (red, green) = (Rgb(0xc8, 0x50, 0x50), Rgb(0x78, 0x82, 0x28));
    assert!(distance(&SIGHTS[0], red, green) > 50.0);
    assert!(distance(&SIGHTS[1], red, green) < 25.0);
}

fn picture(app: &App, theme: Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
    paint(&mut buffer, app, theme, NOW);
    buffer
}

/// The cell where `text` begins.
fn cell(buffer: &Buffer, text: &str) -> ratatui::buffer::Cell {
    let width = usize::from(buffer.area.width);
    let found = buffer.content.chunks(width).find_map(|row| {
        (0..width)
            .find(|x| {
                let rest: String = row[*x..].iter().map(|it| it.symbol()).collect();
                rest.starts_with(text)
            })
            .map(|x| row[x].clone())
    });
    found.unwrap_or_else(|| panic!("no {text:?}"))
}

/// An app in this theme, with errors on the screen.
fn app(name: ThemeName) -> App {
    let mut app = fixtures::app(fixtures::errors());
    app.look.theme = name;
    app
}

#[test]
fn each_theme_is_on_the_cells() {
    let rgb = |Rgb(r, g, b)| Color::Rgb(r, g, b);
    for name in ThemeName::ALL {
        let picture = picture(&app(name), Theme::new(true, true));
        let (bad, key) = (cell(&picture, "43 failed"), cell(&picture, "q quit"));
        assert!(bad.modifier.contains(Modifier::BOLD), "{name}");
        match colours::of(name) {
            Some(colours) => {
                assert_eq!(
                    (bad.fg, bad.bg),
                    (rgb(colours.of(Role::Error)), rgb(colours.background))
                );
                assert_eq!(key.fg, rgb(colours.of(Role::Accent)), "{name}");
                // No cell is left to the terminal's own colours.
                let is_ours =
                    |it: &ratatui::buffer::Cell| it.fg != Color::Reset && it.bg != Color::Reset;
                assert!(picture.content.iter().all(is_ours), "{name}");
            }
            None if name == ThemeName::Sixteen => {
                assert_eq!((bad.fg, bad.bg, key.fg), (Color::Red, Color::Reset, Color::Cyan));
            }
            None => {
                let is_plain =
                    |it: &ratatui::buffer::Cell| it.fg == Color::Reset && it.bg == Color::Reset;
                assert!(picture.content.iter().all(is_plain), "{name}");
            }
        }
    }
}

#[test]
fn where_there_are_fewer_colours_fewer_are_used() {
    for name in ThemeName::ALL {
        let of = |depth| Theme { depth, has_unicode: true, name: ThemeName::Sixteen };
        let few = picture(&app(name), of(Depth::Indexed));
        let is_rgb = |color: Color| matches!(color, Color::Rgb(..));
        assert!(few.content.iter().all(|it| !is_rgb(it.fg) && !is_rgb(it.bg)), "{name}");
        let sixteen = picture(&app(name), of(Depth::Sixteen));
        assert!(sixteen.content.iter().all(|it| it.bg == Color::Reset), "{name}");
        let is_none = name == ThemeName::None;
        let red = if is_none { Color::Reset } else { Color::Red };
        assert_eq!(cell(&sixteen, "43 failed").fg, red, "{name}");
        let none = picture(&app(name), of(Depth::None));
        assert!(none.content.iter().all(|it| it.fg == Color::Reset && it.bg == Color::Reset));
    }
}

#[test]
fn ascii_can_be_chosen() {
    let mut app = fixtures::app(fixtures::ramping());
    app.look.ascii = true;
    let picture = picture(&app, Theme::new(true, true));
    assert!(picture.content.iter().all(|it| it.symbol().is_ascii()));
}
