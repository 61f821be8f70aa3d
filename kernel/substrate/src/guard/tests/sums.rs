//! Lines added up side by side come to what they come to one by one.

use super::*;
use crate::guard::sums::StripeSums;

/// Adds the stripes from `first` on up as the scrubber does, four members at once.
fn added(guard: &Guard, first: usize, sums: &mut [StripeSums]) -> bool {
    let mut are_whole = true;
    let mut member = guard.geometry.members;
    while member > 0 {
        if member.is_multiple_of(4) {
            member -= 4;
            are_whole &= guard.add_members::<4>(first, member, sums.iter_mut());
        } else {
            member -= 1;
            are_whole &= guard.add_members::<1>(first, member, sums.iter_mut());
        }
    }
    are_whole
}

#[test]
fn members_added_side_by_side_come_to_their_parities_and_show_every_change() {
    for (width, height) in [(1, 1), (3, 5), (16, 16), (64, 64), (19, 70)] {
        let mut field = lively(width, height);
        let geometry = field.guard.geometry;
        for stripe in 0..geometry.stripes {
            let mut sums = [StripeSums::NONE];
            assert!(added(&field.guard, stripe, &mut sums));
            assert!(field.guard.parities_are_whole(stripe));
            assert!(field.guard.adds_up(stripe, &sums[0]), "stripe {stripe}");
        }
        let stripe = geometry.stripes / 2;
        for block in geometry.members_of(stripe) {
            for bit in (0..WORDS * 64).step_by(67) {
                let mut sums = [StripeSums::NONE];
                flip(&mut field.guard, block, bit);
                assert!(!added(&field.guard, stripe, &mut sums));
                assert!(!field.guard.adds_up(stripe, &sums[0]));
                flip(&mut field.guard, block, bit);
            }
        }
    }
}
