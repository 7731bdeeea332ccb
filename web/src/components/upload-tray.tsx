// Unfinished uploads with their progress: pause, go on, cancel. Also what an earlier page left.
import type { JSX } from 'preact';
import { useStore } from '../store.ts';
import { describeBytes } from '../texts/names.ts';
import { activity, transfers, wish, type Activity } from '../uploads/queue.ts';
import { progressOf, type Transfer } from '../uploads/transfers.ts';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';

/** What the first button does, by the state of the transfer. */
const SWITCHES = {
  waiting: { testid: 'upload-pause', icon: 'pause', label: 'Pause' },
  paused: { testid: 'upload-resume', icon: 'play', label: 'Go on with' },
  failed: { testid: 'upload-resume', icon: 'retry', label: 'Try again' },
} as const;

export function UploadTray(): JSX.Element | null {
  const all = useStore(transfers);
  const now = useStore(activity);
  if (all.length === 0) return null;
  return (
    <aside class="tray card" aria-label="Uploads">
      <ul>
        {all.map((transfer) => (
          <TrayItem key={transfer.id} transfer={transfer} now={now} />
        ))}
      </ul>
    </aside>
  );
}

function TrayItem({ transfer, now }: { transfer: Transfer; now: Activity }): JSX.Element {
  const { id, name, state } = transfer;
  const percent = Math.floor(progressOf(transfer) * 100);
  const line = describe(transfer, now);
  return (
    <li class={`tray-item tray-${state}`}>
      <Icon name={transfer.kind === 'video' ? 'film' : 'picture'} />
      <div class="tray-main">
        <p class="tray-name">{name}</p>
        <div
          class="progress"
          role="progressbar"
          data-testid="upload-progress"
          aria-label={`Upload of ${name}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
          aria-valuetext={line}
        >
          <span style={{ transform: `scaleX(${progressOf(transfer)})` }} />
        </div>
        <p class="tray-line">{line}</p>
      </div>
      <IconButton
        {...SWITCHES[state]}
        label={`${SWITCHES[state].label} ${name}`}
        onClick={() => void wish(id, state === 'waiting' ? 'pause' : 'resume')}
      />
      <IconButton
        testid="upload-cancel"
        icon="close"
        label={`Cancel ${name}`}
        onClick={() => void wish(id, 'cancel')}
      />
    </li>
  );
}

function describe(transfer: Transfer, now: Activity): string {
  if (transfer.state === 'failed') return transfer.problem ?? 'Not accepted';
  const done =
    transfer.kind === 'video'
      ? `${describeBytes(transfer.offset)} of ${describeBytes(transfer.size)}`
      : describeBytes(transfer.size);
  if (transfer.state === 'paused') return `Paused, ${done}`;
  if (now.id !== transfer.id) return transfer.offset > 0 ? done : `Waiting, ${done}`;
  return now.resting ? `Trying again soon, ${done}` : done;
}
