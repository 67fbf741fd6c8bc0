//! The examples of the RFCs, what real senders make of them, and what nobody should send.

use proptest::prelude::*;

use super::frame::{Framer, TooLong};
use super::*;

fn context() -> Context {
    Context {
        now: "2026-11-26T17:40:00Z".parse().unwrap(),
        time_zone: TimeZone::get("Europe/Zurich").unwrap(),
        peer: Some("10.1.2.3".into()),
        resource: vec![("environment".into(), "production".into())],
    }
}

fn read(message: &str) -> LogRecord {
    record(message.as_bytes(), &context())
}

fn at(record: &LogRecord) -> String {
    Timestamp::from_micros(i64::try_from(record.t_ns / 1_000).unwrap()).to_string()
}

fn attribute<'a>(record: &'a LogRecord, name: &str) -> Option<&'a str> {
    record.attributes.iter().find(|(n, _)| n.as_ref() == name).and_then(|(_, value)| value.as_str())
}

fn resource<'a>(record: &'a LogRecord, name: &str) -> Option<&'a str> {
    record.resource.iter().find(|(n, _)| n.as_ref() == name).and_then(|(_, value)| value.as_str())
}

#[test]
fn the_examples_of_rfc_5424_are_read() {
    let first = read(
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
    );
    assert_eq!(at(&first), "2003-10-11T22:14:15.003Z");
    assert_eq!((first.service.as_ref(), first.severity, first.severity_text.as_ref()), ("su", 18, "crit"));
    assert_eq!(first.body, "'su root' failed for lonvick on /dev/pts/8");
    assert_eq!((attribute(&first, "syslog.facility"), attribute(&first, "syslog.msgid")), (Some("auth"), Some("ID47")));
    assert_eq!(
        (resource(&first, "host.name"), resource(&first, "environment")),
        (Some("mymachine.example.com"), Some("production"))
    );
    let second =
        read("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.");
    assert_eq!((second.t_ns % 1_000_000, attribute(&second, "syslog.procid")), (3_000, Some("8710")));
    let data = read(
        r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App\"lication\]" eventID="1011"][examplePriority@32473 class="high"] An application event log entry..."#,
    );
    assert_eq!(attribute(&data, "syslog.sd.exampleSDID@32473.eventSource"), Some("App\"lication]"));
    assert_eq!(attribute(&data, "syslog.sd.examplePriority@32473.class"), Some("high"));
    assert_eq!(data.body, "An application event log entry...");
    let bare =
        read(r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3"]"#);
    assert_eq!(bare.body, "");
    assert_eq!(read("<13>1 - - - - - -").body, "");
}

#[test]
fn the_old_form_is_read_leniently() {
    let classic = read("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
    assert_eq!((at(&classic).as_str(), classic.service.as_ref()), ("2026-10-11T20:14:15.000Z", "su"));
    assert_eq!(resource(&classic, "host.name"), Some("mymachine"));
    let cron = read("<78>Nov  6 01:05:01 db-1 CRON[4711]: (root) CMD (backup.sh: now)");
    assert_eq!((cron.service.as_ref(), attribute(&cron, "syslog.procid")), ("CRON", Some("4711")));
    assert_eq!(cron.body, "(root) CMD (backup.sh: now)");
    // Of last December, not of the one to come.
    assert_eq!(at(&read("<13>Dec 31 23:59:59 h a: b")), "2025-12-31T22:59:59.000Z");
    let local = read("<13>Nov 26 18:00:00 app[1]: no host");
    assert_eq!((local.service.as_ref(), resource(&local, "host.name")), ("app", Some("10.1.2.3")));
    let rsyslog = read("<13>2026-11-26T17:39:59.123456+00:00 web-1 nginx: GET / 200");
    assert_eq!((at(&rsyslog).as_str(), rsyslog.service.as_ref()), ("2026-11-26T17:39:59.123Z", "nginx"));
    let text = read("something happened");
    assert_eq!(
        (text.body.as_str(), text.severity, at(&text).as_str()),
        ("something happened", 10, "2026-11-26T17:40:00.000Z")
    );
    // Priorities that do not exist are text.
    assert_eq!(read("<999>x").body, "<999>x");
    assert_eq!(read("<13>1 yesterday h a - - - broken").body, "1 yesterday h a - - - broken");
}

#[test]
fn bytes_that_are_no_text_and_messages_that_do_not_end_are_kept_and_marked() {
    let broken = record(b"<13>1 - h a - - - caf\xe9", &context());
    assert_eq!(broken.body, "caf\u{fffd}");
    assert!(broken.attributes.iter().any(|(name, _)| name.as_ref() == "log.encoding_error"));
    let long = record(&[b"<13>".as_slice(), &vec![b'x'; MOST_BYTES]].concat(), &context());
    assert!(long.attributes.iter().any(|(name, _)| name.as_ref() == "log.truncated") && long.body.len() < MOST_BYTES);
}

fn framed(pieces: &[&[u8]]) -> (Vec<String>, Result<(), TooLong>) {
    let (mut framer, mut out) = (Framer::default(), Vec::new());
    let result = pieces.iter().try_for_each(|piece| framer.push(piece, &mut out));
    out.extend(framer.finish());
    (out.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect(), result)
}

#[test]
fn both_framings_are_read_in_one_stream_however_it_is_cut() {
    let stream = b"11 <13>1 hello\n<14>line one\n5 <15>x<16>two\n\n<17>last";
    // Octet counting: 11 octets are `<13>1 hello`; the line feed behind them ends an empty line.
    let wanted = ["<13>1 hello", "<14>line one", "<15>x", "<16>two", "<17>last"];
    assert_eq!(framed(&[stream]), (wanted.map(str::to_owned).to_vec(), Ok(())));
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(framed(&bytes).0, wanted);
    assert_eq!(framed(&[b"99999999 <13>x"]).1, Err(TooLong(99_999_999)));
    assert_eq!(framed(&[b"404 not found\n12"]).0, ["404 not found", "12"]);
    let long = [vec![b'<'; MOST_BYTES + 10], b"rest\n<13>next\n".to_vec()].concat();
    let (messages, _) = framed(&[&long]);
    assert_eq!((messages.len(), messages[0].len(), messages[1].as_str()), (2, MOST_BYTES, "<13>next"));
}

proptest! {
    #[test]
    fn nothing_that_is_sent_breaks_anything(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 1_usize..40) {
        let _ = record(&bytes, &context());
        let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
        let (whole, cut) = (framed(&[&bytes]), framed(&pieces));
        prop_assert_eq!(whole.0, cut.0);
    }
}
