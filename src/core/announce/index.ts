export { announcements } from './announcements.ts';
export type { Announcement } from './announcements.ts';
export {
  LEASE_NAMESPACE,
  LEASE_SECONDS,
  SUBNETS_ANNOTATION,
  formatInterfaces,
  mayAnnounce,
  parseInterfaces,
} from './members.ts';
export type { Member, SegmentInterface } from './members.ts';
export { announcedPool } from './pools.ts';
export type { AnnouncedPool } from './pools.ts';
