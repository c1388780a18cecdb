/** Panel: everything staff need in one sight: show, words, pins, what waits, comments, rules, who did what. */

import type { Client, Commented } from "@sdk";
import { useState } from "preact/hooks";
import { cards } from "../cards/registry";
import { Banner } from "../shared/banner";
import { useRoom } from "../shared/room";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import { Comments } from "./comments";
import { Counters } from "./counters";
import { Messages } from "./messages";
import { Queue } from "./queue";
import { Rules } from "./rules";
import { Say } from "./say";
import { ShowCard } from "./show-card";
import { StaffLog } from "./staff-log";
import { Top } from "./top";

const HOSTS = ["host", "operator", "service"];

export function Panel({ client, room, onSignOut }: { client: Client; room: string; onSignOut: () => void }) {
  const { state, status } = useRoom(client);
  const [answering, setAnswering] = useState<Commented | null>(null);
  const runs = client.me === undefined || HOSTS.includes(client.me.role);
  if (client.me && !runs && client.me.role !== "moderator") {
    return <main class="door"><div class="door-card" role="alert"><h1>{strings.hostPage.notHost}</h1></div></main>;
  }
  return (
    <main class="panel" aria-busy={!state.epoch}>
      <Top client={client} status={status} title={state.title} room={room} onSignOut={onSignOut} />
      <Banner client={client} status={status} />
      {state.rehearsal && <p class="watermark">{strings.rehearsal}</p>}
      <div class="columns">
        <div class="column run">
          {runs && <ShowCard client={client} show={state.show} />}
          <Counters client={client} state={state} />
          <Rules client={client} state={state} />
          <StaffLog client={client} state={state} />
        </div>
        <div class="column talk">
          {runs && <Say client={client} answering={answering} onDone={() => setAnswering(null)} />}
          <Queue client={client} state={state} />
          {runs && (
            <div class="cards">
              {cards.map(({ id, host: Card }) => Card && <Card key={id} client={client} state={state} />)}
            </div>
          )}
          <Messages client={client} state={state} runs={runs} />
        </div>
        <section class="column box" aria-label={strings.hostPage.comments}>
          <h2>{strings.hostPage.comments}</h2>
          <Comments client={client} state={state} onAnswer={runs ? setAnswering : undefined} />
        </section>
      </div>
      {answering && <p class="hidden" aria-live="polite"><Words>{strings.hostPage.answerTo(answering.name)}</Words></p>}
    </main>
  );
}
