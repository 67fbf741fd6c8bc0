//! The chart, judged by its pixels. Not by bytes of a file: encoders change.

use super::*;
use watchkeeper_domain::Span;

fn chart() -> Chart {
    let from: Timestamp = "2026-11-22T14:00:00Z".parse().expect("valid");
    let at = |i: i64| from + Span::from_secs(i * 15);
    let wave = |i: i64| {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let t = i as f64;
        if i < 70 { 1.2 + (t / 5.0).sin() * 0.4 } else { (1.2 + (t - 70.0) * 0.35).min(7.6) + (t / 3.0).sin() * 0.3 }
    };
    Chart {
        title: "HighErrorRate checkout: 100 * sum(rate(http_errors[5m])) / sum(rate(http_requests[5m]))".to_owned(),
        from,
        to: at(120),
        lines: vec![Line { name: "checkout".to_owned(), points: (0..=120).map(|i| (at(i), wave(i))).collect() }],
        threshold: Some(5.0),
        firing: vec![(at(84), at(120))],
    }
}

fn pixel(pixels: &Pixmap, x: u32, y: u32) -> [u8; 3] {
    let p = pixels.pixel(x, y).expect("inside");
    [p.red(), p.green(), p.blue()]
}

#[test]
fn the_same_chart_has_the_same_pixels_and_another_has_others() {
    let one = chart();
    assert_eq!(one.png(), one.png());
    let mut other = chart();
    other.threshold = Some(6.0);
    assert_ne!(one.paint().data(), other.paint().data());
    if let Ok(path) = std::env::var("CHART_PNG") {
        std::fs::write(path, one.png()).expect("the place for the picture can be written");
    }
}

#[test]
fn the_firing_time_is_shaded_the_rest_is_white_and_the_threshold_is_where_it_belongs() {
    let chart = chart();
    let pixels = chart.paint();
    let scale = Scale::of(&chart);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels inside the picture")]
    let (calm, firing) = ((scale.x(chart.firing[0].0) - 40.0) as u32, (scale.x(chart.firing[0].0) + 40.0) as u32);
    assert_eq!(pixel(&pixels, calm, 55), [255, 255, 255]);
    let shade = pixel(&pixels, firing, 55);
    assert!(shade[0] > 240 && shade[1] < 245 && shade[1] > 200, "{shade:?}");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels inside the picture")]
    let y = scale.y(5.0) as u32;
    let red = (LEFT as u32..RIGHT as u32).filter(|x| {
        let [r, g, b] = pixel(&pixels, *x, y);
        r > 180 && g < 130 && b < 130
    });
    assert!(red.count() > 250, "no dashed line at the threshold");
}

#[test]
fn hostile_and_empty_input_is_drawn_without_harm() {
    let mut chart = chart();
    chart.title = "\u{0}<script>\n😀".repeat(300);
    chart.threshold = Some(f64::NAN);
    chart.lines[0].points =
        vec![(chart.from, f64::INFINITY), (chart.to, f64::NAN), (chart.to, 1e308), (chart.to, -1e308)];
    chart.lines = vec![chart.lines[0].clone(); 40];
    assert!(!chart.png().is_empty());
    chart.lines.clear();
    chart.firing = vec![(chart.to, chart.from)];
    (chart.from, chart.to) = (chart.to, chart.to);
    assert!(!chart.png().is_empty());
}
