//! A small stroke font: each character is a few polylines on a grid of 6 by 9 with 3 below the base line.
//!
//! Not typography: digits, letters and punctuation that stay readable at 8 pixels, so that no font file is needed and a
//! chart has the same pixels everywhere. A character that it does not have is shown as a box.

/// The base line's row.
const BASE: f32 = 9.0;
/// Between two characters.
const SPACING: f32 = 2.2;

/// Width and strokes: points as two hexadecimal digits (column, row), strokes separated by commas.
fn glyph(letter: char) -> (f32, &'static str) {
    match letter {
        ' ' => (2.5, ""),
        '0' => (5.0, "10 01 08 19 49 58 51 40 10"),
        '1' => (5.0, "12 30 39"),
        '2' => (5.0, "02 10 40 52 53 09 59"),
        '3' => (5.0, "01 10 40 51 53 44 24,44 55 58 49 19 08"),
        '4' => (5.0, "40 06 56,40 49"),
        '5' => (5.0, "50 00 04 44 55 58 49 19 08"),
        '6' => (5.0, "51 40 10 01 08 19 49 58 55 44 14 05"),
        '7' => (5.0, "00 50 29"),
        '8' => (5.0, "10 01 03 14 44 53 51 40 10,14 05 08 19 49 58 55 44"),
        '9' => (5.0, "08 19 49 58 51 40 10 01 04 15 45 54"),
        'A' => (6.0, "09 30 69,16 56"),
        'B' => (6.0, "00 09 49 68 66 55 44 04,00 40 51 53 44"),
        'C' => (6.0, "61 50 20 02 07 29 59 68"),
        'D' => (6.0, "00 09 49 67 62 40 00"),
        'E' => (5.0, "50 00 09 59,04 44"),
        'F' => (5.0, "50 00 09,04 44"),
        'G' => (6.0, "61 50 20 02 07 29 59 68 65 35"),
        'H' => (6.0, "00 09,60 69,04 64"),
        'I' => (1.0, "00 09"),
        'J' => (5.0, "50 57 49 19 07"),
        'K' => (6.0, "00 09,60 05,23 69"),
        'L' => (5.0, "00 09 59"),
        'M' => (7.0, "09 00 35 70 79"),
        'N' => (6.0, "09 00 69 60"),
        'O' => (6.0, "20 02 07 29 49 67 62 40 20"),
        'P' => (6.0, "09 00 40 62 63 45 05"),
        'Q' => (6.0, "20 02 07 29 49 67 62 40 20,47 6a"),
        'R' => (6.0, "09 00 40 62 63 45 05,35 69"),
        'S' => (6.0, "61 50 20 01 03 24 45 66 68 49 19 08"),
        'T' => (6.0, "00 60,30 39"),
        'U' => (6.0, "00 07 29 49 67 60"),
        'V' => (6.0, "00 39 60"),
        'W' => (8.0, "00 29 43 69 80"),
        'X' => (6.0, "00 69,60 09"),
        'Y' => (6.0, "00 34 60,34 39"),
        'Z' => (6.0, "00 60 09 69"),
        'a' => (5.0, "13 43 54 59,55 25 06 08 19 39 57"),
        'b' => (5.0, "00 09,05 23 43 54 58 49 29 07"),
        'c' => (5.0, "54 43 13 04 08 19 49 58"),
        'd' => (5.0, "50 59,55 33 13 04 08 19 39 57"),
        'e' => (5.0, "06 56 54 43 13 04 08 19 49 58"),
        'f' => (4.0, "40 30 21 29,03 43"),
        'g' => (5.0, "53 5b 4c 1c 0b,55 33 13 04 07 18 38 56"),
        'h' => (5.0, "00 09,05 23 43 54 59"),
        'i' => (1.0, "03 09,00 01"),
        'j' => (2.0, "23 2b 1c 0c,20 21"),
        'k' => (5.0, "00 09,53 06,25 59"),
        'l' => (1.0, "00 09"),
        'm' => (8.0, "03 09,05 23 33 44 49,45 63 73 84 89"),
        'n' => (5.0, "03 09,05 23 43 54 59"),
        'o' => (5.0, "13 04 08 19 49 58 54 43 13"),
        'p' => (5.0, "03 0c,05 23 43 54 58 49 29 07"),
        'q' => (5.0, "53 5c,55 33 13 04 08 19 39 57"),
        'r' => (3.0, "03 09,05 23 33"),
        's' => (5.0, "54 43 13 04 16 46 58 49 19 08"),
        't' => (4.0, "20 28 39 49,03 43"),
        'u' => (5.0, "03 08 19 39 57,53 59"),
        'v' => (4.0, "03 29 43"),
        'w' => (8.0, "03 29 44 69 83"),
        'x' => (5.0, "03 59,53 09"),
        'y' => (5.0, "03 29,53 1c"),
        'z' => (5.0, "03 53 09 59"),
        '.' => (1.0, "08 09"),
        ',' => (1.0, "18 1a 0b"),
        ':' => (1.0, "03 04,08 09"),
        ';' => (1.0, "13 14,18 1a 0b"),
        '-' => (4.0, "05 45"),
        '–' | '—' => (6.0, "05 65"),
        '_' => (5.0, "0a 5a"),
        '/' => (4.0, "40 0a"),
        '\\' => (4.0, "00 4a"),
        '|' => (1.0, "00 0b"),
        '%' => (7.0, "10 01 02 13 23 32 31 20 10,70 09,56 47 48 59 69 78 77 66 56"),
        '(' => (2.0, "20 02 07 29"),
        ')' => (2.0, "00 22 27 09"),
        '[' => (2.0, "20 00 09 29"),
        ']' => (2.0, "00 20 29 09"),
        '{' => (3.0, "30 21 24 15 26 28 39"),
        '}' => (3.0, "00 11 14 25 16 18 09"),
        '<' => (5.0, "52 05 58"),
        '>' => (5.0, "02 55 08"),
        '=' => (5.0, "04 54,07 57"),
        '+' => (6.0, "05 65,32 38"),
        '*' => (4.0, "21 25,02 44,42 04"),
        '#' => (6.0, "20 19,50 49,03 63,06 66"),
        '!' => (1.0, "00 06,08 09"),
        '?' => (5.0, "02 10 40 52 53 25 26,28 29"),
        '&' => (6.0, "69 12 11 20 30 41 42 06 08 19 39 66"),
        '@' => (7.0, "56 54 43 33 24 26 37 47 56 67 76 72 50 20 02 07 29 59"),
        '$' => (6.0, "61 50 20 01 03 24 45 66 68 49 19 08,3a 30"),
        '"' => (2.0, "00 02,20 22"),
        '\'' => (1.0, "00 02"),
        '`' => (2.0, "00 22"),
        '^' => (4.0, "02 20 42"),
        '~' => (6.0, "06 14 24 46 56 64"),
        '…' => (6.0, "08 09,38 39,68 69"),
        '·' => (1.0, "05 06"),
        'µ' => (5.0, "03 0c,08 19 39 57,53 59"),
        '°' => (3.0, "10 01 02 13 23 32 31 20 10"),
        _ => (5.0, "00 09 59 50 00"),
    }
}

/// How wide a text is, in pixels.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let units: f32 = text.chars().map(|letter| glyph(letter).0 + SPACING).sum();
    (units - SPACING).max(0.0) * size / BASE
}

/// The text, or its beginning with `…`, so that it fits into `most` pixels.
pub(super) fn fit(text: &str, size: f32, most: f32) -> String {
    let text: String = text.chars().take(400).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if width(&text, size) <= most {
        return text;
    }
    let mut short: Vec<char> = text.chars().collect();
    loop {
        short.pop();
        let shown: String = short.iter().chain(['…'].iter()).collect();
        if short.is_empty() || width(&shown, size) <= most {
            return shown;
        }
    }
}

/// The polylines of a text whose base line begins at (`x`, `y`), capitals `size` pixels high.
pub(super) fn strokes(text: &str, x: f32, y: f32, size: f32) -> Vec<Vec<(f32, f32)>> {
    let unit = size / BASE;
    let mut at = x;
    let mut out = Vec::new();
    for letter in text.chars() {
        let (width, lines) = glyph(letter);
        for line in lines.split(',').filter(|line| !line.is_empty()) {
            let points = line.split(' ').filter_map(|pair| {
                let mut digits = pair.chars().filter_map(|c| c.to_digit(16));
                #[expect(clippy::cast_precision_loss, reason = "one hexadecimal digit")]
                let (column, row) = (digits.next()? as f32, digits.next()? as f32);
                Some((at + column * unit, y - (BASE - row) * unit))
            });
            out.push(points.collect());
        }
        at += (width + SPACING) * unit;
    }
    out
}
