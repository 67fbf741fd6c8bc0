//! Shifts as an iCalendar feed (RFC 5545), for the calendars that people have already.
//!
//! Not a way in: what somebody changes in their calendar changes nothing here.

use watchkeeper_domain::Timestamp;

use super::restriction::Window;
use super::timetable::Shift;

/// Most octets of a line, without its end (RFC 5545, section 3.1).
const LINE: usize = 75;

/// A feed.
#[derive(Debug, Clone)]
pub struct Feed<'a> {
    /// The calendar's name. Hostile text.
    pub name: &'a str,
    /// The host part of the events' ids.
    pub host: &'a str,
    /// When it is made.
    pub now: Timestamp,
    /// What was worked out; shifts that reach beyond it are cut there.
    pub range: Window,
    /// The schedule and the shift, in order.
    pub shifts: &'a [(String, Shift)],
}

impl Feed<'_> {
    /// The feed as text, with the line ends that calendars want.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for fixed in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Watchkeeper//On call//EN", "CALSCALE:GREGORIAN"] {
            line(&mut out, fixed);
        }
        line(&mut out, "METHOD:PUBLISH");
        line(&mut out, &format!("X-WR-CALNAME:{}", escaped(self.name)));
        // Overrides are made at short notice.
        line(&mut out, "REFRESH-INTERVAL;VALUE=DURATION:PT1H");
        line(&mut out, "X-PUBLISHED-TTL:PT1H");
        for (schedule, shift) in self.shifts {
            self.event(&mut out, schedule, shift);
        }
        line(&mut out, "END:VCALENDAR");
        out
    }

    fn event(&self, out: &mut String, schedule: &str, shift: &Shift) {
        let (Some(from), Some(until)) = (utc(shift.from), utc(shift.until)) else { return };
        // The range moves on with time, and an event keeps its id: it is named by an end that is not the range's.
        let (end, named) = if shift.until != self.range.until {
            ("until", shift.until.as_micros())
        } else if shift.from != self.range.from {
            ("from", shift.from.as_micros())
        } else {
            ("always", 0)
        };
        let id: String = schedule.bytes().map(|byte| format!("{byte:02x}")).collect();
        line(out, "BEGIN:VEVENT");
        line(out, &format!("UID:{id}-{end}-{named}@{}", escaped(self.host)));
        if let Some(now) = utc(self.now) {
            line(out, &format!("DTSTAMP:{now}"));
        }
        line(out, &format!("DTSTART:{from}"));
        line(out, &format!("DTEND:{until}"));
        line(out, &format!("SUMMARY:{}", escaped(&format!("{} is on call: {schedule}", shift.person))));
        // Who is on call is not busy.
        line(out, "TRANSP:TRANSPARENT");
        line(out, "END:VEVENT");
    }
}

fn utc(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
    Some(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// A value of the type TEXT (section 3.3.11); other control characters are not allowed in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes a line, folded where it is too long, never within a character.
fn line(out: &mut String, text: &str) {
    let mut room = LINE;
    for c in text.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE - 1;
        }
        room -= c.len_utf8();
        out.push(c);
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use watchkeeper_domain::Span;

    use super::*;
    use crate::oncall::timetable::Source;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn shift(person: &str, from: &str, until: &str) -> Shift {
        Shift { person: person.into(), from: at(from), until: at(until), by: Source::Layer("layer 1".into()) }
    }

    fn feed(range: Window, shifts: &[Shift]) -> String {
        let shifts: Vec<_> = shifts.iter().map(|shift| ("pay, ments".to_owned(), shift.clone())).collect();
        let now = range.from + Span::from_secs(86_400);
        Feed { name: "pay, ments", host: "wk.bank.example", now, range, shifts: &shifts }.text()
    }

    #[test]
    fn a_shift_is_an_event_with_an_id_that_stays_when_the_range_moves_on() {
        let range = Window { from: at("2026-11-01T00:00:00Z"), until: at("2026-12-01T00:00:00Z") };
        let one = shift("ana", "2026-11-23T08:00:00Z", "2026-11-30T08:00:00Z");
        let text = feed(range, std::slice::from_ref(&one));
        for line in [
            "DTSTART:20261123T080000Z",
            "DTEND:20261130T080000Z",
            "SUMMARY:ana is on call: pay\\, ments",
            "X-WR-CALNAME:pay\\, ments",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in\n{text}");
        }
        let id = |text: &str| text.lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
        let later = Window { from: at("2026-11-25T00:00:00Z"), until: at("2026-12-25T00:00:00Z") };
        let cut = shift("ana", "2026-11-25T00:00:00Z", "2026-11-30T08:00:00Z");
        assert_eq!(id(&text), id(&feed(later, &[cut])));
    }

    #[test]
    fn no_line_is_longer_than_75_octets_and_unfolding_gives_the_text_back() {
        let range = Window { from: at("2026-11-01T00:00:00Z"), until: at("2026-12-01T00:00:00Z") };
        let name = "Zoë Übermäßig-Längername ".repeat(12);
        let text = feed(
            range,
            &[shift(&format!("{name}\nBEGIN:VALARM\u{7}"), "2026-11-23T08:00:00Z", "2026-11-30T08:00:00Z")],
        );
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        assert!(text.replace("\r\n ", "").contains(&format!("SUMMARY:{name}\\nBEGIN:VALARM is on call")), "{text}");
        assert_eq!(text.matches("\nBEGIN:VALARM").count(), 0, "a name cannot make lines of its own");
    }
}
