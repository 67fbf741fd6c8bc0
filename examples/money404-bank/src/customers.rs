//! The customers that the bank opens with. Made up; their passwords are in the README, since a demo is to be tried by hand.

/// Login name and full name. The position plus one is the customer's number.
pub const CUSTOMERS: [(&str, &str); 24] = [
    ("anna", "Anna Novak"),
    ("bela", "Béla Szabó"),
    ("chloe", "Chloé Martin"),
    ("dmitri", "Dmitri Ivanov"),
    ("elif", "Elif Yılmaz"),
    ("farid", "Farid Haddad"),
    ("greta", "Greta Lindqvist"),
    ("hugo", "Hugo Fernández"),
    ("ines", "Inês Carvalho"),
    ("jonas", "Jonas Weber"),
    ("kaja", "Kaja Kowalska"),
    ("luca", "Luca Moretti"),
    ("maeve", "Maeve O'Connor"),
    ("nils", "Nils Hansen"),
    ("olga", "Olga Petrova"),
    ("pavel", "Pavel Dvořák"),
    ("quinn", "Quinn de Vries"),
    ("rosa", "Rosa Jiménez"),
    ("selim", "Selim Kaya"),
    ("tuuli", "Tuuli Virtanen"),
    ("uma", "Uma Sharma"),
    ("viktor", "Viktor Horvat"),
    ("wanda", "Wanda Zieliński"),
    ("yara", "Yara Mansour"),
];

/// What each account holds when the bank opens: 5,000.00 euros.
pub const OPENING_CENTS: i64 = 500_000;

/// The password of one of [`CUSTOMERS`].
#[must_use]
pub fn password_of(username: &str) -> String {
    format!("{username}-404")
}
