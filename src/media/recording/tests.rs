use super::*;
use crate::media::{Dice, Pico, SpeechOptions, VoiceGender, narrate};

/// Texts of the six languages, two each.
const SCRIPTS: [(&str, &str); 12] = [
    (
        "en-US",
        "Every morning, more than two billion cups of coffee are poured around the world. Four \
         hundred years ago, almost nobody in Europe had ever tasted one. The story begins in the \
         highlands of Ethiopia. Wild trees still grow there, in the shade of the forest. Then it met \
         the merchants of Venice! They came for spices and silk, and went home with sacks of dark, \
         fragrant beans. It was a success. Within a century, every large city had a coffee house, \
         where news was read aloud and ships were insured.",
    ),
    (
        "en-US",
        "Bees are older than flowers. For millions of years they hunted, as wasps do today, until \
         some of them found that pollen was easier to catch. A hive in summer has fifty thousand \
         workers. Each of them lives for six weeks only. She begins as a cleaner, then she feeds the \
         young, builds, guards the gate, and at last she flies. How does she tell the others where \
         the food is? She dances. The angle of the dance is the angle to the sun.",
    ),
    (
        "en-GB",
        "The tide came in at seven. By then, the boats had left the harbour and nobody was on the \
         quay but an old man with a lantern, who counted the sails as they passed the point. Twelve. \
         There should have been thirteen. He waited until the light of the morning was on the water, \
         and then he walked up to the village. The doors were shut.",
    ),
    (
        "en-GB",
        "How is glass made? Sand, soda and lime are melted together in a furnace at fifteen hundred \
         degrees. What runs out of it is poured on molten tin. There it floats, as oil does on water, \
         and becomes perfectly flat. It cools slowly. At the end of a line of half a kilometre, the \
         sheets are cut and stacked, and lorries take them away.",
    ),
    (
        "de-DE",
        "Der Wald ist still am Morgen. Nur ein Specht klopft irgendwo oben im trockenen Holz der alten \
         Eiche, die seit dreihundert Jahren am Rand der Lichtung steht. Dann geht die Sonne auf. Das \
         Licht fällt schräg zwischen den Stämmen hindurch, und der Nebel über der Wiese beginnt zu \
         leuchten. Ein Reh tritt heraus. Es hebt den Kopf, lauscht lange und frisst dann weiter, als \
         wäre niemand da.",
    ),
    (
        "de-DE",
        "Wie entsteht ein Brot? Am Abend werden Mehl, Wasser und Sauerteig gemischt. Der Teig ruht die \
         ganze Nacht in einer Schüssel unter einem Tuch, und die Hefen arbeiten langsam vor sich hin. \
         Am Morgen wird er geformt. Jetzt muss der Ofen heiß sein, denn in den ersten Minuten geht das \
         Brot noch einmal auf. Nach einer Stunde ist es fertig. Es klingt hohl, wenn man darauf klopft.",
    ),
    (
        "es-ES",
        "El mercado abre a las seis. A esa hora los camiones ya han descargado la fruta, el pescado y \
         las flores, y los vendedores beben su primer café de pie. Hace frío. Poco a poco llegan las \
         señoras con sus carros, preguntan el precio de los tomates y discuten un rato. Nadie tiene \
         prisa. A mediodía no queda nada sobre las mesas de piedra.",
    ),
    (
        "es-ES",
        "La ballena azul es el animal más grande que ha vivido en la Tierra. Su corazón pesa lo mismo \
         que un coche pequeño. Y sin embargo, come animales diminutos. Cada día traga cuatro toneladas \
         de ellos, con la boca abierta como una red. Canta. Su voz se oye a mil kilómetros de \
         distancia, pero está por debajo de lo que nosotros podemos oír.",
    ),
    (
        "fr-FR",
        "Le train part à midi. Sur le quai, une femme agite un mouchoir blanc, et un enfant court à \
         côté du wagon jusqu'au bout de la gare. Puis tout est calme. Les champs passent, les villages, \
         les rivières, et le contrôleur demande les billets d'une voix fatiguée. Il fait chaud. \
         Personne ne parle dans le compartiment avant la première grande ville.",
    ),
    (
        "fr-FR",
        "Comment naît un parfum? On cueille les fleurs avant le lever du soleil, quand elles sont \
         encore fraîches. Il en faut une tonne pour un litre d'essence. Ensuite, le parfumeur compose. \
         Il connaît trois mille odeurs, et il sait lesquelles restent sur la peau pendant des heures et \
         lesquelles disparaissent tout de suite. C'est un métier de patience.",
    ),
    (
        "it-IT",
        "La barca lascia il porto all'alba. Il pescatore conosce ogni scoglio della costa, perché suo \
         padre gli ha insegnato tutto quando era ancora un bambino. Il mare è calmo. Getta la rete \
         vicino all'isola, aspetta un'ora e poi la tira su piano, con tutte e due le mani. Niente. \
         Domani proverà più lontano, dove l'acqua è fredda e profonda.",
    ),
    (
        "it-IT",
        "Che cosa è un terremoto? La crosta della terra è divisa in placche, che si muovono di pochi \
         centimetri ogni anno. Quando si incastrano, la tensione cresce. Può durare secoli. Poi la \
         roccia si spezza in pochi secondi, e le onde attraversano il pianeta da una parte all'altra. \
         Gli strumenti le registrano tutte.",
    ),
];

/// Returns a recording of a script and when its sentences start.
fn recording(script: &str, options: &SpeechOptions) -> (AudioBuffer, Vec<Duration>) {
    let narration = narrate(script, &Pico::new(), options, &Cancel::new()).unwrap();
    let rate = narration.sentences[0].audio.sample_rate();
    let at = |time: Duration| (time.as_secs_f64() * f64::from(rate)) as usize;
    let mut samples = vec![0_i16; at(narration.duration()) + 1];
    for sentence in &narration.sentences {
        let (start, audio) = (at(sentence.start), sentence.audio.samples());
        samples[start..start + audio.len()].copy_from_slice(audio);
    }
    let starts = narration.sentences.iter().map(|sentence| sentence.start).collect();
    (AudioBuffer::new(rate, samples), starts)
}

/// Adds noise at a level in dB of full scale.
fn noisy(audio: &AudioBuffer, level: f32) -> AudioBuffer {
    let mut dice = Dice(7);
    let amplitude = 10_f32.powf(level / 20.0) * 32_768.0 * 3_f32.sqrt();
    let samples = audio.samples().iter().map(|sample| {
        let noise = (dice.roll(20_001) as f32 / 10_000.0 - 1.0) * amplitude;
        sample.saturating_add(noise as i16)
    });
    AudioBuffer::new(audio.sample_rate(), samples.collect::<Vec<_>>())
}

#[test]
fn sentences_are_found_in_six_languages_with_noise() {
    let (mut errors, mut rejected) = (Vec::new(), Vec::new());
    for (number, (language, script)) in SCRIPTS.into_iter().enumerate() {
        let gender = if number % 2 == 0 { VoiceGender::Female } else { VoiceGender::Male };
        let rate = [1.0, 0.8, 1.3][number % 3];
        let options = SpeechOptions::new(language).with_gender(gender).with_rate(rate);
        let (clean, starts) = recording(script, &options);
        for noise in [-90.0, -45.0, -38.0] {
            let found = align_recording(script, language, &noisy(&clean, noise), &Cancel::new());
            let Some(found) = found.unwrap() else {
                rejected.push((number, noise));
                continue;
            };
            assert_eq!(found.len(), starts.len());
            for (found, start) in found.iter().zip(&starts) {
                errors.push(found.start.abs_diff(*start));
                assert!(script.contains(&found.text));
            }
            assert!(found.windows(2).all(|pair| pair[0].start + pair[0].duration <= pair[1].start));
        }
    }
    errors.sort();
    let (median, most) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
    println!(
        "{} sentences: median {median:?}, 95 % {most:?}, worst {:?}",
        errors.len(),
        errors[errors.len() - 1]
    );
    // One in doubt has no captions.
    println!("rejected: {rejected:?}");
    assert!(rejected.len() <= 2, "{rejected:?}");
    assert!(median < Duration::from_millis(60) && most < Duration::from_millis(300));
}

/// The scripts of six or seven sentences that fit the recordings of others, which are about as long and
/// have as many sentences of such lengths.
const BY_CHANCE: [(usize, usize); 12] = [
    (2, 4),
    (3, 1),
    (3, 9),
    (4, 6),
    (4, 8),
    (5, 8),
    (6, 4),
    (6, 8),
    (8, 4),
    (8, 10),
    (10, 4),
    (10, 8),
];

#[test]
fn a_recording_of_something_else_is_rejected() {
    let cancel = Cancel::new();
    let recordings: Vec<AudioBuffer> = SCRIPTS
        .into_iter()
        .map(|(language, script)| recording(script, &SpeechOptions::new(language)).0)
        .collect();
    let mut accepted = Vec::new();
    let mut count = 0;
    for (number, (language, script)) in SCRIPTS.into_iter().enumerate() {
        for (other, audio) in recordings.iter().enumerate().filter(|(other, _)| *other != number) {
            count += 1;
            if align_recording(script, language, audio, &cancel).unwrap().is_some() {
                accepted.push((number, other));
            }
        }
    }
    println!("{accepted:?} of {count}");
    assert!(accepted.iter().all(|pair| BY_CHANCE.contains(pair)), "{accepted:?}");
    let (language, script) = SCRIPTS[0];
    let rejected =
        |audio: &AudioBuffer| align_recording(script, language, audio, &cancel).unwrap().is_none();
    let silence = AudioBuffer::new(16_000, vec![0; 16_000 * 30]);
    assert!(rejected(&silence) && rejected(&noisy(&silence, -20.0)));
    assert!(rejected(&AudioBuffer::new(16_000, [])));
    let tone = (0..16_000 * 30).map(|n| (9000.0 * (n as f32 * 0.2).sin()) as i16);
    assert!(rejected(&AudioBuffer::new(16_000, tone.collect::<Vec<_>>())));
    let (short, _) = recording("Good morning.", &SpeechOptions::new(language));
    assert!(rejected(&short));
    cancel.cancel();
    let cancelled = align_recording(script, language, &recordings[0], &cancel);
    assert!(matches!(cancelled, Err(MediaError::Cancelled)), "{cancelled:?}");
    let empty = align_recording(" \n", language, &short, &cancel);
    assert!(matches!(empty, Err(MediaError::EmptyScript)), "{empty:?}");
}

#[test]
fn a_cough_and_a_missing_pause_cost_little() {
    let (language, script) = SCRIPTS[4];
    let (clean, starts) = recording(script, &SpeechOptions::new(language));
    let rate = clean.sample_rate() as usize;
    let at = |time: Duration| (time.as_secs_f64() * rate as f64) as usize;
    // The pause before the third sentence is cut out, and there is a cough two seconds before all.
    let mut samples = vec![0_i16; 2 * rate];
    for (n, sample) in samples[rate / 2..rate * 3 / 4].iter_mut().enumerate() {
        *sample = (8000.0 * (n as f32 * 0.3).sin()) as i16;
    }
    let cut = at(Duration::from_millis(280));
    samples.extend(&clean.samples()[..at(starts[2]) - cut]);
    samples.extend(&clean.samples()[at(starts[2])..]);
    let audio = AudioBuffer::new(rate as u32, samples);
    let found = align_recording(script, language, &audio, &Cancel::new()).unwrap().unwrap();
    for (index, (found, start)) in found.iter().zip(&starts).enumerate() {
        let cut = if index >= 2 { 280 } else { 0 };
        let expected = *start + Duration::from_millis(2000 - cut);
        let limit = Duration::from_millis(if index == 2 { 1000 } else { 300 });
        assert!(found.start.abs_diff(expected) < limit, "{index}: {found:?} {expected:?}");
    }
}

#[test]
fn one_sentence_is_all_of_the_speech() {
    let options = SpeechOptions::new("en-US");
    let (audio, _) = recording("Good morning to all of you.", &options);
    let found = align_recording("Good morning to all of you.", "en-US", &audio, &Cancel::new());
    let found = found.unwrap().unwrap();
    assert_eq!(found[0].text, "Good morning to all of you.");
    assert!(found[0].start < Duration::from_millis(50), "{found:?}");
    assert!(found[0].duration > Duration::from_millis(900), "{found:?}");
}

#[test]
fn syllables_are_counted_in_any_script() {
    for (text, language, count) in [
        ("The boats left.", "en", 3.0),
        ("Frühstück", "de", 2.0),
        ("咖啡馆开了", "zh", 5.0),
        ("Москва", "ru", 2.0),
        ("XYZ", "xx", 1.0),
    ] {
        assert_eq!(syllables(text, language), count, "{text}");
    }
}
