//! Public holidays of France: Code du travail, article L3133-1; for Alsace and Moselle L3134-13; overseas L3422-2, the
//! days on which the abolition of slavery is commemorated.

use jiff::ToSpan;
use jiff::civil::Date;

/// A region with public holidays of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Its code: `FR`, or `FR-` and the number of a département.
    code: &'static str,
    /// Days that are holidays here beside those of the whole country.
    own: &'static [(Day, &'static str)],
}

/// When a holiday is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// Month and day.
    Fixed(i8, i8),
    /// Days after Easter Sunday.
    Easter(i32),
}

const NATIONAL: [(Day, &str); 11] = [
    (Day::Fixed(1, 1), "jour de l’an"),
    (Day::Easter(1), "lundi de Pâques"),
    (Day::Fixed(5, 1), "fête du Travail"),
    (Day::Fixed(5, 8), "victoire de 1945"),
    (Day::Easter(39), "Ascension"),
    (Day::Easter(50), "lundi de Pentecôte"),
    (Day::Fixed(7, 14), "fête nationale"),
    (Day::Fixed(8, 15), "Assomption"),
    (Day::Fixed(11, 1), "Toussaint"),
    (Day::Fixed(11, 11), "armistice de 1918"),
    (Day::Fixed(12, 25), "Noël"),
];

const ALSACE_MOSELLE: &[(Day, &str)] =
    &[(Day::Easter(-2), "Vendredi saint"), (Day::Fixed(12, 26), "deuxième jour de Noël")];

const ABOLITION: &str = "abolition de l’esclavage";

const REGIONS: [Region; 10] = [
    Region { code: "FR", own: &[] },
    Region { code: "FR-57", own: ALSACE_MOSELLE },
    Region { code: "FR-67", own: ALSACE_MOSELLE },
    Region { code: "FR-68", own: ALSACE_MOSELLE },
    Region { code: "FR-971", own: &[(Day::Fixed(5, 27), ABOLITION)] },
    Region { code: "FR-972", own: &[(Day::Fixed(5, 22), ABOLITION)] },
    Region { code: "FR-973", own: &[(Day::Fixed(6, 10), ABOLITION)] },
    Region { code: "FR-974", own: &[(Day::Fixed(12, 20), ABOLITION)] },
    Region { code: "FR-976", own: &[(Day::Fixed(4, 27), ABOLITION)] },
    Region { code: "FR-977", own: &[(Day::Fixed(10, 9), ABOLITION)] },
];

impl Region {
    /// Reads a code, such as `FR` or `FR-57`. Errors say which there are.
    pub fn parse(code: &str) -> Result<Self, String> {
        REGIONS.into_iter().find(|region| region.code.eq_ignore_ascii_case(code)).ok_or_else(|| {
            let known: Vec<&str> = REGIONS.iter().map(|region| region.code).collect();
            format!(
                "the public holidays of `{code}` are not known; write one of {}, or each day as 2027-05-07 or 05-07",
                known.join(", ")
            )
        })
    }

    /// The name of the holiday that a day is, if it is one.
    pub fn holiday(self, date: Date) -> Option<&'static str> {
        let is = |day: Day| match day {
            Day::Fixed(month, of_month) => (date.month(), date.day()) == (month, of_month),
            Day::Easter(days) => {
                easter(date.year()).and_then(|easter| easter.checked_add(days.days()).ok()) == Some(date)
            }
        };
        NATIONAL.iter().chain(self.own).find(|(day, _)| is(*day)).map(|(_, name)| *name)
    }
}

/// Easter Sunday of the Gregorian calendar (the algorithm of Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let sum = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(sum / 31).ok()?, i8::try_from(sum % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_the_calendar_has_it() {
        for date in ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2038-04-25", "2285-03-22"] {
            let date: Date = date.parse().unwrap();
            assert_eq!(easter(date.year()), Some(date));
        }
    }

    #[test]
    fn the_holidays_of_2027_are_those_of_the_official_calendar() {
        let all = |code: &str| -> Vec<String> {
            let region = Region::parse(code).unwrap();
            let first: Date = "2027-01-01".parse().unwrap();
            let days = first.series(1.day()).take(365);
            days.filter(|day| region.holiday(*day).is_some()).map(|day| day.strftime("%m-%d").to_string()).collect()
        };
        let national =
            ["01-01", "03-29", "05-01", "05-06", "05-08", "05-17", "07-14", "08-15", "11-01", "11-11", "12-25"];
        assert_eq!(all("FR"), national);
        let mut moselle = national.to_vec();
        moselle.extend(["03-26", "12-26"]);
        moselle.sort_unstable();
        assert_eq!(all("fr-57"), moselle);
        assert!(Region::parse("DE").unwrap_err().contains("FR-57"));
    }
}
