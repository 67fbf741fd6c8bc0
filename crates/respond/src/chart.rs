//! A chart as a PNG: lines, the threshold, the time in which it fired. For messages, where no browser draws.
//!
//! Not the console's chart (that one is interactive) and not a query: the caller brings the points.
//! The same input gives the same pixels: no font file, no clock, no randomness.

mod axis;
mod font;

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};
use watchkeeper_domain::Timestamp;

use axis::{Ticks, time_ticks, value_ticks};

/// Width in pixels.
pub const WIDTH: u32 = 800;
/// Height in pixels.
pub const HEIGHT: u32 = 300;
/// More lines than these cannot be told apart.
const MOST_LINES: usize = 6;
/// More points of a line than these are thinned out: a pixel holds no more.
const MOST_POINTS: usize = 4_000;

const LEFT: f32 = 66.0;
const RIGHT: f32 = 782.0;
const TOP: f32 = 46.0;
const BOTTOM: f32 = 262.0;

const PALETTE: [[u8; 3]; MOST_LINES] =
    [[31, 90, 166], [0, 128, 115], [140, 80, 170], [190, 110, 20], [90, 100, 110], [170, 50, 110]];
const INK: [u8; 3] = [38, 44, 52];
const SOFT: [u8; 3] = [104, 112, 122];
const GRID: [u8; 3] = [228, 231, 235];
const ALARM: [u8; 3] = [200, 30, 45];

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Above it. Cut to what fits.
    pub title: String,
    /// The first moment shown.
    pub from: Timestamp,
    /// The last moment shown.
    pub to: Timestamp,
    /// Lines, at most six are drawn.
    pub lines: Vec<Line>,
    /// The number that values are compared with.
    pub threshold: Option<f64>,
    /// When it fired: from, to.
    pub firing: Vec<(Timestamp, Timestamp)>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name in the legend, which is shown when there are several.
    pub name: String,
    /// Points in order of time. A value that is no number interrupts the line, and so does a long gap.
    pub points: Vec<(Timestamp, f64)>,
}

impl Chart {
    /// The PNG.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        // Encoding fails for sizes above 2^31 only.
        self.paint().encode_png().unwrap_or_default()
    }

    /// The pixels.
    #[must_use]
    pub fn paint(&self) -> Pixmap {
        let mut canvas = Canvas { pixels: Pixmap::new(WIDTH, HEIGHT).expect("the size is not zero") };
        canvas.pixels.fill(Color::WHITE);
        let scale = Scale::of(self);
        self.paint_firing(&mut canvas, &scale);
        self.paint_axes(&mut canvas, &scale);
        for (line, rgb) in self.lines.iter().zip(PALETTE) {
            paint_line(&mut canvas, &scale, line, rgb, self.lines.len() == 1);
        }
        self.paint_threshold(&mut canvas, &scale);
        self.paint_head(&mut canvas);
        canvas.pixels
    }

    fn paint_firing(&self, canvas: &mut Canvas, scale: &Scale) {
        for (from, to) in &self.firing {
            let (left, right) = (scale.x(*from).clamp(LEFT, RIGHT), scale.x(*to).clamp(LEFT, RIGHT));
            canvas.rect(left, TOP, (right - left).max(1.0), BOTTOM - TOP, ALARM, 26);
            if scale.x(*from) >= LEFT {
                canvas.line(&[(left, TOP), (left, BOTTOM)], ALARM, 1.0, None);
            }
        }
    }

    fn paint_axes(&self, canvas: &mut Canvas, scale: &Scale) {
        for (value, label) in &scale.values.marks {
            let y = scale.y(*value);
            canvas.line(&[(LEFT, y), (RIGHT, y)], GRID, 1.0, None);
            canvas.text_right(LEFT - 8.0, y + 4.0, 8.0, label, SOFT);
        }
        for (at, label) in time_ticks(self.from, self.to) {
            let x = scale.x(at);
            canvas.line(&[(x, BOTTOM), (x, BOTTOM + 4.0)], SOFT, 1.0, None);
            canvas.text_centred(x, BOTTOM + 18.0, 8.0, &label, SOFT);
        }
        canvas.line(&[(LEFT, BOTTOM), (RIGHT, BOTTOM)], SOFT, 1.0, None);
        canvas.text_right(RIGHT, BOTTOM + 32.0, 7.0, "UTC", SOFT);
        if self.lines.iter().all(|line| line.points.is_empty()) {
            canvas.text_centred((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, 11.0, "no data", SOFT);
        }
    }

    fn paint_threshold(&self, canvas: &mut Canvas, scale: &Scale) {
        let Some(threshold) = self.threshold.filter(|t| t.is_finite()) else { return };
        let y = scale.y(threshold);
        canvas.line(&[(LEFT, y), (RIGHT, y)], ALARM, 1.4, Some([6.0, 4.0]));
        let label = format!("threshold {}", crate::notify::content::number(threshold));
        let width = font::width(&label, 8.0);
        // Below the line when there is no room above it.
        let base = if y - TOP > 16.0 { y - 5.0 } else { y + 14.0 };
        canvas.rect(RIGHT - width - 6.0, base - 10.5, width + 6.0, 13.0, [255, 255, 255], 205);
        canvas.text_right(RIGHT - 3.0, base, 8.0, &label, ALARM);
    }

    fn paint_head(&self, canvas: &mut Canvas) {
        let legend: Vec<(&str, [u8; 3])> = match self.lines.len() {
            0 | 1 => Vec::new(),
            _ => self.lines.iter().zip(PALETTE).map(|(line, rgb)| (line.name.as_str(), rgb)).collect(),
        };
        canvas.text_left(
            14.0,
            24.0,
            11.0,
            &font::fit(&self.title, 11.0, if legend.is_empty() { 770.0 } else { 400.0 }),
            INK,
        );
        let mut right = RIGHT;
        for (name, rgb) in legend.iter().rev() {
            let name = font::fit(name, 8.0, 110.0);
            canvas.text_right(right, 23.0, 8.0, &name, INK);
            right -= font::width(&name, 8.0) + 8.0;
            canvas.line(&[(right - 14.0, 19.0), (right, 19.0)], *rgb, 3.0, None);
            right -= 28.0;
        }
    }
}

/// From moments and values to pixels.
struct Scale {
    from: f64,
    to: f64,
    values: Ticks,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let all = chart.lines.iter().take(MOST_LINES).flat_map(|line| line.points.iter().map(|(_, value)| *value));
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in all.chain(chart.threshold).filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // Rates and latencies are read against zero, unless they are far from it.
        if low > 0.0 && low < high * 0.6 {
            low = 0.0;
        }
        Self { from: chart.from.as_secs_f64(), to: chart.to.as_secs_f64(), values: value_ticks(low, high) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    fn x(&self, at: Timestamp) -> f32 {
        let share = (at.as_secs_f64() - self.from) / (self.to - self.from).max(1e-6);
        (f64::from(LEFT) + share.clamp(-1.0, 2.0) * f64::from(RIGHT - LEFT)) as f32
    }

    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    fn y(&self, value: f64) -> f32 {
        let share = (value - self.values.low) / (self.values.high - self.values.low).max(f64::MIN_POSITIVE);
        (f64::from(BOTTOM) - share.clamp(-0.1, 1.1) * f64::from(BOTTOM - TOP)) as f32
    }
}

fn paint_line(canvas: &mut Canvas, scale: &Scale, line: &Line, rgb: [u8; 3], alone: bool) {
    let every = line.points.len().div_ceil(MOST_POINTS).max(1);
    let points: Vec<(Timestamp, f64)> = line.points.iter().copied().step_by(every).collect();
    let mut steps: Vec<i64> = points.windows(2).map(|w| w[1].0.as_micros() - w[0].0.as_micros()).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let mut piece: Vec<(f32, f32)> = Vec::new();
    let mut before: Option<Timestamp> = None;
    for (at, value) in points {
        let gap = before.is_some_and(|before| usual > 0 && at.as_micros() - before.as_micros() > 4 * usual);
        if gap || !value.is_finite() {
            paint_piece(canvas, &std::mem::take(&mut piece), rgb, alone);
        }
        if value.is_finite() {
            piece.push((scale.x(at), scale.y(value)));
            before = Some(at);
        }
    }
    paint_piece(canvas, &piece, rgb, alone);
}

fn paint_piece(canvas: &mut Canvas, piece: &[(f32, f32)], rgb: [u8; 3], alone: bool) {
    match piece {
        [] => {}
        [(x, y)] => canvas.rect(x - 1.5, y - 1.5, 3.0, 3.0, rgb, 255),
        [first, .., last] => {
            if alone {
                let mut area = piece.to_vec();
                area.extend([(last.0, BOTTOM), (first.0, BOTTOM)]);
                canvas.fill(&area, rgb, 22);
            }
            canvas.line(piece, rgb, 2.0, None);
        }
    }
}

/// Drawing primitives.
struct Canvas {
    pixels: Pixmap,
}

impl Canvas {
    fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, rgb: [u8; 3], alpha: u8) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.pixels.fill_rect(rect, &paint(rgb, alpha), Transform::identity(), None);
        }
    }

    fn fill(&mut self, points: &[(f32, f32)], rgb: [u8; 3], alpha: u8) {
        if let Some(path) = path(points) {
            self.pixels.fill_path(&path, &paint(rgb, alpha), FillRule::Winding, Transform::identity(), None);
        }
    }

    fn line(&mut self, points: &[(f32, f32)], rgb: [u8; 3], width: f32, dash: Option<[f32; 2]>) {
        let Some(path) = path(points) else { return };
        let dash = dash.and_then(|pattern| StrokeDash::new(pattern.to_vec(), 0.0));
        let stroke = Stroke { width, line_cap: LineCap::Butt, line_join: LineJoin::Round, dash, ..Stroke::default() };
        self.pixels.stroke_path(&path, &paint(rgb, 255), &stroke, Transform::identity(), None);
    }

    /// Text whose capitals are `size` pixels high, on the base line `y`.
    fn text_left(&mut self, x: f32, y: f32, size: f32, text: &str, rgb: [u8; 3]) {
        let stroke = Stroke {
            width: size * 0.135 + 0.1,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        for points in font::strokes(text, x, y, size) {
            if let Some(path) = path(&points) {
                self.pixels.stroke_path(&path, &paint(rgb, 255), &stroke, Transform::identity(), None);
            }
        }
    }

    fn text_right(&mut self, x: f32, y: f32, size: f32, text: &str, rgb: [u8; 3]) {
        self.text_left(x - font::width(text, size), y, size, text, rgb);
    }

    fn text_centred(&mut self, x: f32, y: f32, size: f32, text: &str, rgb: [u8; 3]) {
        self.text_left(x - font::width(text, size) / 2.0, y, size, text, rgb);
    }
}

fn paint([r, g, b]: [u8; 3], alpha: u8) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, alpha);
    paint
}

fn path(points: &[(f32, f32)]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    builder.move_to(first.0, first.1);
    for (x, y) in rest {
        builder.line_to(*x, *y);
    }
    builder.finish()
}

#[cfg(test)]
mod tests;
