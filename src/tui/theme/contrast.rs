//! The built-in themes held to what they promise: texts that can be read on their background, severities that stay apart for readers
//! who see colours otherwise.

use ratatui::style::{Color, Modifier, Style};

use super::{ColorLevel, Role, Theme};

type Rgb = [f64; 3];

/// Roles that only fill bars; what they mean stands beside them in words.
const FILLS: &[Role] = &[
    Role::Bar,
    Role::Compute,
    Role::Gc,
    Role::FetchWait,
    Role::ShuffleWrite,
    Role::Deserialize,
    Role::Serialize,
    Role::SchedulerDelay,
    Role::GettingResult,
    Role::IdleDriver,
    Role::IdleTooFew,
    Role::IdleTail,
    Role::IdleScheduling,
];

/// Red, green and blue of a colour, 0 to 1; `default` where it names none.
fn rgb(colour: Option<Color>, default: Color) -> Rgb {
    let [r, g, b] = match colour.filter(|colour| *colour != Color::Reset).unwrap_or(default) {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(at @ 16..232) => {
            let step = |value: u8| if value == 0 { 0 } else { 55 + 40 * value };
            [step((at - 16) / 36), step((at - 16) / 6 % 6), step((at - 16) % 6)]
        }
        Color::Indexed(at @ 232..) => [8 + 10 * (at - 232); 3],
        other => panic!("{other:?}: what it looks like is the terminal's to say; a [rich] style names its colour"),
    };
    [r, g, b].map(|part| f64::from(part) / 255.0)
}

/// The light that each part gives (sRGB's curve undone).
fn linear(colour: Rgb) -> Rgb {
    colour.map(|part| {
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |colour| {
        let [r, g, b] = linear(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What a role's letters and their background look like, over `below`.
fn drawn(theme: &Theme, style: Style, below: Style) -> (Rgb, Rgb) {
    let ground = theme.ground();
    let fore = rgb(style.fg.or(below.fg), ground.foreground);
    let back = rgb(style.bg.or(below.bg), ground.background);
    let reversed = style.add_modifier.contains(Modifier::REVERSED) != below.add_modifier.contains(Modifier::REVERSED);
    if reversed { (back, fore) } else { (fore, back) }
}

#[test]
fn texts_can_be_read_and_bars_be_seen() {
    for (name, texts, bars) in [
        ("dark", 4.5, 3.0),
        ("light", 4.5, 3.0),
        ("color-blind-safe", 4.5, 3.0),
        ("high-contrast", 7.0, 4.5),
    ] {
        let theme = Theme::built_in(name, ColorLevel::True).unwrap();
        let mut poor = Vec::new();
        for role in Role::ALL {
            let needed = match role {
                // Lines between panels carry nothing.
                Role::Rule => 1.5,
                role if FILLS.contains(role) => bars,
                _ => texts,
            };
            let (fore, back) = drawn(&theme, theme.style(*role), Style::new());
            let has = contrast(fore, back);
            if has < needed {
                poor.push(format!("{} {has:.2} of {needed}", role.name()));
            }
        }
        assert!(poor.is_empty(), "{name}: {}", poor.join(", "));
    }
}

#[test]
fn the_selected_row_can_be_read_in_every_role_and_is_told_from_the_others() {
    for (name, texts) in [
        ("dark", 3.0),
        ("light", 3.0),
        ("color-blind-safe", 3.0),
        ("high-contrast", 4.5),
    ] {
        let theme = Theme::built_in(name, ColorLevel::True).unwrap();
        let selected = theme.style(Role::Selected);
        for role in [
            Role::Text,
            Role::Dim,
            Role::Critical,
            Role::Warning,
            Role::Info,
            Role::Good,
            Role::Running,
            Role::Gc,
        ] {
            // As a list draws it: the row's style over that of the cell.
            let (fore, back) = drawn(&theme, selected, theme.style(role));
            let has = contrast(fore, back);
            assert!(has >= texts, "{name} {}: {has:.2}", role.name());
        }
        let (_, row) = drawn(&theme, selected, Style::new());
        let (_, others) = drawn(&theme, Style::new(), Style::new());
        assert!(contrast(row, others) > 1.2, "{name}: {:.2}", contrast(row, others));
    }
}

/// What a reader without one kind of cones sees (Machado, Oliveira, Fernandes 2009, severity 1): protan, deutan, tritan.
const READERS: [(&str, [Rgb; 3]); 3] = [
    (
        "protan",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deutan",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritan",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

/// The colour in CIE L*a*b* (D65), where equal steps look about equally large.
fn lab(linear: Rgb) -> Rgb {
    let [r, g, b] = linear;
    let f = |t: f64| {
        if t > 0.008856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn severities_and_owners_of_time_stay_apart_for_every_reader() {
    /// How far apart two colours have to be; 2.3 can just be told apart side by side.
    const APART: f64 = 20.0;
    let theme = Theme::built_in("color-blind-safe", ColorLevel::True).unwrap();
    let pairs = [
        (Role::Critical, Role::Warning),
        (Role::Critical, Role::Good),
        (Role::Warning, Role::Good),
        (Role::Warning, Role::Info),
        (Role::Critical, Role::Info),
        (Role::Compute, Role::Gc),
        (Role::Compute, Role::IdleTail),
        (Role::Compute, Role::IdleDriver),
    ];
    for (who, matrix) in READERS {
        let seen = |role: Role| {
            let [r, g, b] = linear(rgb(theme.style(role).fg, theme.ground().foreground));
            lab(matrix.map(|row| (row[0] * r + row[1] * g + row[2] * b).clamp(0.0, 1.0)))
        };
        for (a, b) in pairs {
            let (x, y) = (seen(a), seen(b));
            let apart = x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
            assert!(
                apart > APART,
                "{who}: {} and {} are {apart:.1} apart",
                a.name(),
                b.name()
            );
        }
    }
}
